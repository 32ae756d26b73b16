"""Chooses tokens by the model's numbers, always the same ones for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from starcoder_lsp.engines.llama.vocabulary import Vocabulary
from starcoder_lsp.errors import ModelBroken

Logits = npt.NDArray[np.float32]
Choose = Callable[[Logits], int]


def log_sum_exp(logits: Logits) -> float:
    highest = logits.max()
    return float(highest) + math.log(float(np.exp(logits - highest).sum()))


def likeliest(logits: Logits) -> int:
    return int(logits.argmax())


def likeliest_agreeing(
    logits: Logits, vocabulary: Vocabulary, held: bytes
) -> int | None:
    """The likeliest token that spells or begins `held`; None when none can."""
    agreeing = vocabulary.agreeing(held)
    return agreeing[int(logits[agreeing].argmax())] if agreeing else None


def checked(logits: Logits, token: int) -> int:
    if np.isnan(logits[token]):
        raise ModelBroken("the model computes no numbers; get its file again")
    return token
