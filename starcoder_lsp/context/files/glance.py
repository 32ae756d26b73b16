"""Tells whether a walk would find something else than the last one, at a fifth of its cost.

A directory's times change when an entry comes, goes or gets another name, a file's when
it is written. So it is enough to read the times of all that a walk has seen: of 20,000
files in 2,000 directories that takes some 50 ms of computing.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from starcoder_lsp.context.files.ignore import UnreadableRules, scope_of_root
from starcoder_lsp.context.files.unwanted import MAX_FILE_BYTES
from starcoder_lsp.context.files.walk import FoundFile, Walk, mark_at, mark_of, stamp_of


class Glance(NamedTuple):
    """Files with another content, or that only a walk can tell what has changed."""

    changed: list[FoundFile]
    needs_walk: bool


NEEDS_WALK = Glance([], needs_walk=True)


def glance(walk: Walk) -> Glance:
    """Compare the disk with what `walk` saw; a file that changed is told once."""
    if _has_other_rules(walk) or _has_other_entries(walk):
        return NEEDS_WALK
    changed = []
    marks = {}
    for relative, mark in walk.files.items():
        try:
            status = os.lstat(f"{walk.root}/{relative}")
        except OSError:
            return NEEDS_WALK
        if (now := mark_of(status)) == mark:
            continue
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= MAX_FILE_BYTES:
            return NEEDS_WALK
        changed.append(FoundFile(relative, status.st_size, stamp_of(status)))
        marks[relative] = now
    walk.files.update(marks)
    return Glance(changed, needs_walk=False)


def _has_other_rules(walk: Walk) -> bool:
    try:
        if scope_of_root(walk.root, walk.extra) != walk.scope:
            return True
    except UnreadableRules:
        return True
    return any(mark_at(path) != mark for path, mark in walk.rules.items())


def _has_other_entries(walk: Walk) -> bool:
    return any(
        mark_at(f"{walk.root}/{relative}") != mark
        for relative, mark in walk.directories.items()
    )
