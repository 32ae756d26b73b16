"""Decides when to look at the disk: often at a glance, seldom at everything.

A glance (`context/files/glance.py`) notices each change of a file or directory, so that
nobody has to tell of any. A walk, which costs more, finds out what has changed where a
glance does not tell. Without a reason there is one now and then, for disks that do not
change the times of their directories.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

# A new file on an idle machine is indexed within 30 s, with the walk that follows.
GLANCE_EVERY_S = 20.0
WALK_EVERY_S = 600.0
# At most this part of one core goes into regular glances, into glances that hints ask for,
# into walks after a glance, and into walks without a reason.
GLANCE_SHARE = 0.01
HINT_SHARE = 0.1
CHANGE_SHARE = 0.02
WALK_SHARE = 0.001


class Look(Enum):
    """A walk lists everything; a glance compares times with those of the last walk."""

    WALK = "walk"
    GLANCE = "glance"


class Schedule:
    """Knows when the next look is due; the first walk is due at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_walk_wanted = True
        self._has_change = False
        self._n_failures = 0
        # The earliest times of a glance, of one that a hint asks for, of a walk after a
        # glance that saw a change, and of a walk without a reason.
        self._glance_at = self._hint_at = self._change_at = self._walk_at = clock()

    def want_walk(self) -> None:
        """Something has changed that may concern every file."""
        self._is_walk_wanted = True

    def want_glance(self) -> None:
        """Something may have changed, and nobody knows what."""
        self._glance_at = min(self._glance_at, max(self._clock(), self._hint_at))

    def due(self) -> Look | None:
        now = self._clock()
        if self._is_walk_wanted or now >= self._next_walk_at:
            return Look.WALK
        return Look.GLANCE if now >= self._glance_at else None

    def wait_s(self) -> float:
        """Return the seconds until a look is due; 0.0 for at once."""
        if self._is_walk_wanted:
            return 0.0
        return max(min(self._glance_at, self._next_walk_at) - self._clock(), 0.0)

    @property
    def _next_walk_at(self) -> float:
        return self._change_at if self._has_change else self._walk_at

    def begin_walk(self) -> None:
        """Begin one walk; what is wanted meanwhile is wanted after it."""
        self._is_walk_wanted = self._has_change = False

    def walked(self, computed_s: float) -> None:
        """A walk has ended that took `computed_s` of processor time."""
        now = self._clock()
        self._n_failures = 0
        self._glance_at = now + GLANCE_EVERY_S
        self._change_at = now + computed_s / CHANGE_SHARE
        self._walk_at = now + max(WALK_EVERY_S, computed_s / WALK_SHARE)

    def glanced(self, computed_s: float, *, needs_walk: bool) -> None:
        """A glance has ended that took `computed_s` of processor time."""
        now = self._clock()
        self._glance_at = now + max(GLANCE_EVERY_S, computed_s / GLANCE_SHARE)
        self._hint_at = now + computed_s / HINT_SHARE
        self._has_change = self._has_change or needs_walk

    def failed(self) -> None:
        """A look has ended without a result: walk again, each time after a longer wait."""
        wait_s = min(GLANCE_EVERY_S * 2**self._n_failures, WALK_EVERY_S)
        self._n_failures += 1
        self._has_change = True
        self._glance_at = self._change_at = self._clock() + wait_s
