"""Random values: texts, numbers, JSON, and damaged copies of what is valid."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

LINE_ENDS = ("\n", "\r\n", "\r")
# Characters that take one, two, three and four bytes, join, hide, or end lines elsewhere.
ALPHABET = (
    *"ab_ .:,=()[]{}\"'#/\\-!*?<>", "\t", "é", "中", "😀", "\u0301", "\u200d", *LINE_ENDS,
    "\x00", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffd", "\ud83d",
)  # fmt: skip
EDGES = (0, 1, -1, 2, 7, 2**7, 2**15, 2**31 - 1, 2**31, 2**32, -(2**31) - 1, 2**53 + 1, 2**63, 2**64)  # fmt: skip
ODD: tuple[Any, ...] = (None, True, False, "", "a", [], {}, 0, -1, 1.5, 2**31, 1e300, "\ud800", [None], {"": 0})  # fmt: skip
BYTES = (b"\x00", b"\xff", b"\n", b"\r\n", b"\x7f", b"{", b'"', b"[", b"9" * 40)
INTERESTING = tuple(
    number.to_bytes(size, "little")
    for size in (4, 8)
    for number in (0, 1, 2 ** (size * 8) - 1, 2 ** (size * 8 - 1), 1 << 20, 255)
)


def text(random: Random, longest: int = 20, alphabet: Sequence[str] = ALPHABET) -> str:
    return "".join(random.choices(alphabet, k=random.randint(0, longest)))


def number(random: Random, usual: int = 8) -> int:
    return random.choice(EDGES) if random.random() < 0.1 else random.randint(0, usual)


def json_value(random: Random, depth: int = 3) -> Any:
    kind = random.randrange(7 if depth else 5)
    if kind == 5:
        return [json_value(random, depth - 1) for _ in range(random.randint(0, 3))]
    if kind == 6:
        keys = (text(random, 4) for _ in range(random.randint(0, 3)))
        return {key: json_value(random, depth - 1) for key in keys}
    scalars = (text(random), number(random), random.choice(ODD), random.random(), None)
    return scalars[kind]


def damaged_json(random: Random, value: Any) -> Any:
    """A copy of `value` in which one place is missing, another value, or twice there."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        if random.random() < 0.15:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: damaged_json(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        changed: Any = ([], [value[at]] * 2, [damaged_json(random, value[at])])
        return [*value[:at], *random.choice(changed), *value[at + 1 :]]
    if isinstance(value, int) and random.random() < 0.5:
        return random.choice(EDGES)
    return random.choice((random.choice(ODD), json_value(random)))


def damaged(random: Random, raw: bytes, most: int = 4) -> bytes:
    """A copy of `raw` with up to `most` places changed, cut, doubled or filled."""
    for _ in range(random.randint(1, most)):
        start = random.randint(0, len(raw))
        end = min(start + random.choice((0, 1, 1, 4, 8, 100)), len(raw))
        part = raw[start:end]
        middle = random.choice(
            (
                b"",
                part * 2,
                random.randbytes(len(part)),
                random.choice(BYTES),
                random.choice(INTERESTING),
                bytes(one ^ 1 << random.randrange(8) for one in part[:1]) + part[1:],
            )
        )
        raw = raw[:start] + middle + raw[end:]
        if random.random() < 0.1:
            raw = raw[: random.randint(0, len(raw))]
    return raw
