"""When the disk is looked at: soon after a change, seldom where nothing changes."""

from __future__ import annotations

import pytest

from starcoder_lsp.context.indexer.schedule import (
    CHANGE_SHARE,
    GLANCE_EVERY_S,
    GLANCE_SHARE,
    HINT_SHARE,
    WALK_EVERY_S,
    Look,
    Schedule,
)


class Clock:
    """A time that tests turn."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def walked(clock: Clock) -> Schedule:
    """A schedule after its first walk, which took 0.1 s."""
    schedule = Schedule(clock)
    schedule.begin_walk()
    schedule.walked(0.1)
    return schedule


def test_the_first_walk_is_due_at_once(clock: Clock) -> None:
    assert Schedule(clock).due() is Look.WALK


def test_a_glance_follows_whatever_the_first_walk_took(clock: Clock) -> None:
    schedule = Schedule(clock)
    schedule.begin_walk()
    schedule.walked(1000.0)
    assert (schedule.due(), schedule.wait_s()) == (None, GLANCE_EVERY_S)
    clock.now_s += GLANCE_EVERY_S
    assert schedule.due() is Look.GLANCE


def test_a_change_that_a_glance_sees_is_walked_for_at_once(
    walked: Schedule, clock: Clock
) -> None:
    clock.now_s += GLANCE_EVERY_S
    walked.glanced(0.01, needs_walk=True)
    assert (walked.due(), walked.wait_s()) == (Look.WALK, 0.0)


def test_walks_for_changes_that_never_end_get_their_share_of_time(
    walked: Schedule, clock: Clock
) -> None:
    walked.begin_walk()
    walked.walked(10.0)
    walked.glanced(0.01, needs_walk=True)
    assert walked.due() is None
    clock.now_s += 10.0 / CHANGE_SHARE
    assert walked.due() is Look.WALK


def test_long_glances_are_rarer(walked: Schedule, clock: Clock) -> None:
    walked.glanced(1.0, needs_walk=False)
    assert walked.wait_s() == 1.0 / GLANCE_SHARE


def test_a_hint_that_names_nothing_brings_the_next_glance_forward(
    walked: Schedule, clock: Clock
) -> None:
    walked.want_glance()
    assert walked.due() is Look.GLANCE


def test_glances_for_a_flood_of_hints_get_their_share_of_time(
    walked: Schedule, clock: Clock
) -> None:
    walked.glanced(1.0, needs_walk=False)
    walked.want_glance()
    assert (walked.due(), walked.wait_s()) == (None, 1.0 / HINT_SHARE)
    walked.want_glance()
    assert walked.wait_s() == 1.0 / HINT_SHARE


def test_there_is_a_walk_now_and_then_without_a_reason(
    walked: Schedule, clock: Clock
) -> None:
    clock.now_s += WALK_EVERY_S
    assert walked.due() is Look.WALK


def test_what_is_wanted_during_a_walk_is_wanted_after_it(walked: Schedule) -> None:
    walked.begin_walk()
    walked.want_walk()
    walked.walked(0.1)
    assert walked.due() is Look.WALK


def test_a_look_that_failed_is_made_again_and_not_at_once(
    walked: Schedule, clock: Clock
) -> None:
    walked.begin_walk()
    walked.failed()
    assert (walked.due(), walked.wait_s()) == (None, GLANCE_EVERY_S)
    clock.now_s += GLANCE_EVERY_S
    assert walked.due() is Look.WALK


def test_looks_that_fail_again_and_again_get_rare(
    walked: Schedule, clock: Clock
) -> None:
    waits = []
    for _ in range(8):
        walked.begin_walk()
        walked.failed()
        waits.append(walked.wait_s())
        clock.now_s += waits[-1]
    assert waits[:3] == [GLANCE_EVERY_S, 2 * GLANCE_EVERY_S, 4 * GLANCE_EVERY_S]
    assert waits[-1] == WALK_EVERY_S
    walked.walked(0.1)
    walked.failed()
    assert walked.wait_s() == GLANCE_EVERY_S


def test_a_first_walk_that_failed_is_no_reason_to_walk_without_pause(
    clock: Clock,
) -> None:
    schedule = Schedule(clock)
    schedule.begin_walk()
    schedule.failed()
    assert schedule.due() is None
