"""Reads the model's numbers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def log_sum_exp(logits: npt.NDArray[np.float32]) -> float:
    highest = float(logits.max())
    return highest + math.log(float(np.exp(logits - highest).sum()))
