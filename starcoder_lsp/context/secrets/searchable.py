"""Prepares a text for many searches."""

from __future__ import annotations

import re
from functools import cached_property

WORD = re.compile("[A-Za-z0-9_.~+/-]+")
IN_WORD, CONTROL, OTHER = b"w\0 "
PLAIN_CONTROLS = b"\t\n\f\r"


def _kind(byte: int) -> int:
    if WORD.fullmatch(chr(byte)):
        return IN_WORD
    is_control = byte < 0x20 or byte == 0x7F
    return CONTROL if is_control and byte not in PLAIN_CONTROLS else OTHER


class Searchable:
    """A text, and what searches in it need: lower case, bytes, kinds of bytes."""

    KINDS = bytes(map(_kind, range(256)))

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lower(self) -> str:
        # Every character keeps its offset; this one would become two.
        return self.text.replace("İ", "i").lower()

    @cached_property
    def raw(self) -> bytes:
        return self.text.encode("utf-8", "replace")

    @cached_property
    def kinds(self) -> bytes:
        """One of `IN_WORD`, `CONTROL` and `OTHER` for each byte of `raw`."""
        return self.raw.translate(self.KINDS)

    @cached_property
    def has_controls(self) -> bool:
        return CONTROL in self.kinds
