"""Computes figures from records: acceptance, retention and latency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, quantiles
from typing import Any

from starcoder_lsp.suggesting.outcomes.statistics import Record

TAKEN = frozenset(("accepted", "partial"))
ALL = "all"
DAY_S = 86_400
# A wrong clock may date a record decades away.
MOST_DAYS = 3650


@dataclass(frozen=True)
class Row:
    """The figures of one language; shares run from 0 to 1, None means unknown."""

    language: str
    n_shown: int
    n_accepted: int
    acceptance: float
    kept_after_30_s: float | None
    characters_saved: int
    known_share: float
    latency_ms_p50: float
    latency_ms_p90: float
    latency_ms_p99: float

    def as_object(self) -> dict[str, Any]:
        return asdict(self)


def summarize(records: Iterable[Record]) -> list[Row]:
    """Return a row for all languages, then one for each, the most used first."""
    by_language: dict[str, list[Record]] = defaultdict(list)
    everything = list(records)
    for record in everything:
        by_language[str(record.get("language", ""))].append(record)
    if not everything:
        return []
    rows = [_row(language, some) for language, some in by_language.items()]
    rows.sort(key=lambda row: -row.n_shown)
    return [_row(ALL, everything), *rows]


@dataclass
class Day:
    """The figures of one day."""

    n_shown: int = 0
    n_accepted: int = 0
    characters_saved: int = 0


def by_day(records: Iterable[Record]) -> dict[int, Day]:
    """Return every day from the first to the last, by its number since 1970 in UTC."""
    days: dict[int, Day] = defaultdict(Day)
    for record in records:
        day = days[int(_number(record, "at")) // DAY_S]
        day.n_shown += 1
        if _is_taken(record):
            day.n_accepted += 1
            day.characters_saved += int(_number(record, "n_accepted"))
    first, last = min(days, default=0), max(days, default=-1)
    return {day: days[day] for day in range(max(first, last - MOST_DAYS), last + 1)}


def latencies(records: Iterable[Record]) -> list[float]:
    return sorted(_number(record, "latency_ms") for record in records)


def _row(language: str, records: Sequence[Record]) -> Row:
    taken = [record for record in records if _is_taken(record)]
    kept = [
        float(record["kept"])
        for record in taken
        if isinstance(record.get("kept"), int | float)
    ]
    times = latencies(records)
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return Row(
        language=language,
        n_shown=len(records),
        n_accepted=len(taken),
        acceptance=len(taken) / len(records),
        kept_after_30_s=mean(kept) if kept else None,
        characters_saved=int(sum(_number(record, "n_accepted") for record in taken)),
        known_share=mean(bool(record.get("is_known")) for record in records),
        latency_ms_p50=round(cuts[49], 1),
        latency_ms_p90=round(cuts[89], 1),
        latency_ms_p99=round(cuts[98], 1),
    )


def _is_taken(record: Record) -> bool:
    return record.get("outcome") in TAKEN


def _number(record: Record, name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
