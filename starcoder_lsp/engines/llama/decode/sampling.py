"""Chooses tokens by the model's numbers, always the same ones for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.errors import NoNumbers

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


def check_numbers(logits: Logits) -> None:
    """Raise NoNumbers where one is none, or where all tokens are alike."""
    if not logits.max() > logits.min():
        raise NoNumbers("computes no numbers: its weights are damaged; get it again")
