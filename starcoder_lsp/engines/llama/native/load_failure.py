"""Says what llama.cpp's reasons for not loading a file mean for the user."""

from __future__ import annotations

# A part of llama.cpp's message, and the rest of the sentence "FILE …".
KNOWN_REASONS = (
    ("not within the file bounds", "is cut short: get it again"),
    ("failed to read key-value pairs", "is cut short: get it again"),
    ("failed to read tensor", "is cut short: get it again"),
    (
        "unknown model architecture",
        "is of an architecture that this llama.cpp does not know; "
        "run: pip install --upgrade llama-cpp-python",
    ),
    (
        "unknown pre-tokenizer type",
        "has a tokenizer that this llama.cpp does not know; "
        "run: pip install --upgrade llama-cpp-python",
    ),
    ("missing tensor", "is not whole, or is another kind of model; get another file"),
)


def meaning(reason: str) -> str:
    """Return the rest of the sentence "FILE …" for a file that does not load.

    >>> meaning("error loading model: unknown model architecture: 'x'")[:24]
    'is of an architecture th'
    """
    known = (text for sign, text in KNOWN_REASONS if sign in reason)
    return next(known, f"does not load: {reason}")
