"""A document as its code units, edited without any of our code."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Name and bytes of a unit, by position encoding.
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass
class Reference:
    """The document as code units, with offsets found by counting them one by one."""

    text: str
    encoding: str

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        first, last = sorted((self.offset(*start), self.offset(*end)))
        codec, size = CODECS[self.encoding]
        encoded = self.text.encode(codec)
        changed = encoded[: first * size] + text.encode(codec) + encoded[last * size :]
        self.text = changed.decode(codec)

    def offset(self, line: int, character: int) -> int:
        """In code units from the start; clamped to the line's text, to whole characters."""
        starts = [0, *(found.end() for found in re.finditer("\r\n|\r|\n", self.text))]
        if line >= len(starts):
            return self.length(self.text)
        content = re.split("\r\n|\r|\n", self.text[starts[line] :], maxsplit=1)[0]
        while self.length(content) > character:
            content = content[:-1]
        return self.length(self.text[: starts[line]]) + self.length(content)

    def length(self, text: str) -> int:
        codec, size = CODECS[self.encoding]
        return len(text.encode(codec)) // size
