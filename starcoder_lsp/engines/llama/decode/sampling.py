"""Chooses tokens by their logits; the same logits always give the same token."""

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
    """Return the natural logarithm that turns logits into log-probabilities."""
    highest = logits.max()
    return float(highest) + math.log(float(np.exp(logits - highest).sum()))


def likeliest(logits: Logits) -> int:
    return int(logits.argmax())


def likeliest_agreeing(
    logits: Logits, vocabulary: Vocabulary, held: bytes
) -> int | None:
    """Return the likeliest token that agrees with the text that is held back.

    It begins with `held`, or `held` begins with it. None when there is no such token.
    """
    agreeing = vocabulary.agreeing(held)
    return agreeing[int(logits[agreeing].argmax())] if agreeing else None


def check_numbers(logits: Logits) -> None:
    """Raise NoNumbers when a logit is NaN or all are equal: the weights are damaged."""
    if not logits.max() > logits.min():
        raise NoNumbers("computes no numbers: its weights are damaged; get it again")
