"""Parses within a budget of processor time, and incrementally after an edit."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from tree_sitter import Parser, Tree

# Smaller sources parse too fast to need a clock: feeding them in parts takes a fifth longer.
SMALL_BYTES = 16 * 1024
CHUNK_BYTES = 64 * 1024


def parse_within(
    parser: Parser, source: bytes, budget_ms: int, old: Tree | None = None
) -> Tree | None:
    """Return the tree; None if the budget ran out."""
    parsed: Callable[..., Tree] = parser.parse
    if old is not None:
        parsed = partial(parsed, old_tree=old)
    if len(source) <= SMALL_BYTES:
        return parsed(source)
    end = time.thread_time() + budget_ms / 1000

    def read(offset: int, _point: object) -> bytes:
        return source[offset : offset + CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        return time.thread_time() > end

    try:
        # Given the bytes themselves, tree-sitter ignores the callback.
        return parsed(read, progress_callback=is_late)
    except ValueError:
        # "Parsing failed". Without a reset, the next parse would continue this one.
        parser.reset()
        return None


def edited(
    source: bytes, tree: Tree, start: int, old_end: int, new: bytes
) -> tuple[bytes, Tree]:
    """Return the source after an edit, and adjust `tree` in place."""
    after = source[:start] + new + source[old_end:]
    new_end = start + len(new)
    tree.edit(
        start,
        old_end,
        new_end,
        _point(source, start),
        _point(source, old_end),
        _point(after, new_end),
    )
    return after, tree


def _point(source: bytes, offset: int) -> tuple[int, int]:
    line_start = source.rfind(b"\n", 0, offset) + 1
    return source.count(b"\n", 0, offset), offset - line_start
