"""Rate and time left of a download."""

from __future__ import annotations

from starcoder_lsp.models.progress import Meter, Report

MB = 1_000_000


def reports(*samples: tuple[float, int], total: int = 100 * MB) -> list[Report]:
    """Return the reports after samples of time in seconds and bytes."""
    found: list[Report] = []
    now = [0.0]
    meter = Meter(found.append, clock=lambda: now[0])
    for now[0], done in samples:
        meter.at(done, total)
    return found


def test_rate_and_time_left_are_those_of_the_last_seconds() -> None:
    *_, last = reports((0, 0), (1, 50 * MB), (2, 51 * MB), (20, 60 * MB))
    assert last.bytes_per_s == 9 * MB / 18
    assert last.left_s == 40 / 0.5
    assert str(last) == "60 % of 100.0 MB, 500 kB/s, 1 min left"


def test_what_an_earlier_run_has_left_is_no_rate() -> None:
    first, second = reports((0, 90 * MB), (1, 91 * MB))
    assert first.bytes_per_s == 0
    assert str(first) == "90 % of 100.0 MB"
    assert second.bytes_per_s == MB


def test_reports_are_few_but_the_last_is_there() -> None:
    found = reports(*((i / 1000, i * MB) for i in range(101)))
    assert [report.done_bytes for report in found] == [0, 100 * MB]


def test_a_download_that_starts_again_has_no_negative_rate() -> None:
    *_, last = reports((0, 0), (1, 50 * MB), (2, 0), (3, MB))
    assert last.bytes_per_s == MB


def test_an_unknown_size_is_no_share() -> None:
    (report,) = reports((0, 5), total=0)
    assert (report.share, report.left_s, str(report)) == (0.0, None, "starting")
