"""Parses JSON of any size in steps, so that the event loop keeps running.

Python parses a string of 8 MB in about 10 ms, but 8 MB of small values take 100 ms and
more: `{}` alone makes 2.7 million objects.
"""

from __future__ import annotations

import json
import re
from typing import Any

from starcoder_lsp.lsp.time_slices import TimeSlices

# JSON with no more values than this is parsed at once.
FEW_VALUES = 10_000
# More than editors send. To free so many objects alone would stop the event loop.
MAX_VALUES = 1_000_000
# Objects and arrays that are shorter are parsed at once.
SMALL_CHARACTERS = 4096
MAX_DEPTH = 100

WHITE_SPACE = re.compile(r"[ \t\n\r]*")
SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # not in typeshed


class TooManyValues(Exception):
    """The JSON holds more than `MAX_VALUES` values."""


async def loads(body: bytes) -> Any:
    """Parse JSON in UTF-8; bytes that are not UTF-8 become U+FFFD.

    Raises ValueError or RecursionError if this is not JSON or nested too deeply, and
    TooManyValues.
    """
    text = body.decode("utf-8", "replace")
    if body.count(b",") + body.count(b"{") + body.count(b"[") <= FEW_VALUES:
        return json.loads(text)
    reader = _Reader(text)
    value = await reader.value()
    if reader.position < len(text):
        raise ValueError("more than one value")
    return value


class _Reader:
    """Parses values one after the other; `position` is never at white space."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._slices = TimeSlices()
        self._depth = 0
        self._n_values = 0
        self.position = 0
        self._move_to(0)

    async def value(self) -> Any:
        await self._slices.rest_if_due()
        sign = self._sign()
        if sign not in ("{", "["):
            return self._scan(self._text, self.position, 0)
        try:
            small = self._text[self.position : self.position + SMALL_CHARACTERS]
            return self._scan(small, 0, self.position)
        except (ValueError, RecursionError):
            pass  # it is longer, or not JSON
        if self._depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        self._depth += 1
        value: Any = await (self._object() if sign == "{" else self._array())
        self._depth -= 1
        return value

    async def _array(self) -> list[Any]:
        values: list[Any] = []
        self._move_to(self.position + 1)
        while self._sign() != "]":
            if values:
                self._expect(",")
            values.append(await self.value())
        self._expect("]")
        return values

    async def _object(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self._move_to(self.position + 1)
        while self._sign() != "}":
            if values:
                self._expect(",")
            if self._sign() != '"':
                raise ValueError(f"no key at {self.position}")
            key = await self.value()
            self._expect(":")
            values[key] = await self.value()
        self._expect("}")
        return values

    def _sign(self) -> str:
        return self._text[self.position : self.position + 1]

    def _expect(self, sign: str) -> None:
        if self._sign() != sign:
            raise ValueError(f"no {sign} at {self.position}")
        self._move_to(self.position + 1)

    def _scan(self, text: str, start: int, offset: int) -> Any:
        try:
            value, end = SCAN(text, start)
        except StopIteration:
            raise ValueError(f"no value at {self.position}") from None
        is_container = text[start] in "{["
        self._n_values += 1 + (text.count(",", start, end) if is_container else 0)
        if self._n_values > MAX_VALUES:
            raise TooManyValues(f"more than {MAX_VALUES} values")
        self._move_to(offset + end)
        return value

    def _move_to(self, position: int) -> None:
        found = WHITE_SPACE.match(self._text, position)
        self.position = found.end() if found else position
