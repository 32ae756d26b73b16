"""Shows the statistics as text, and as an HTML page without scripts or links."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from html import escape

from starcoder_lsp.suggesting.outcomes.plots import Series, bars
from starcoder_lsp.suggesting.outcomes.statistics import Record
from starcoder_lsp.suggesting.outcomes.summary import Row, by_day, latencies, summarize

MAX_DAYS = 60
# With more languages the bars of a plot get too thin; the table has them all.
MAX_LANGUAGES = 8
BAR_LIMITS_MS = (1, 5, 20, 50, 100, 200, 400, 800, 1600, 3200)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em;
       padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: .3em .8em; text-align: right;
       border-bottom: 1px solid #ddd } th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto } text { font-size: 11px; fill: #555 }
.a { fill: #2b6cb0 } .b { fill: #b9cbe0 } .c { fill: #dd8452 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b }
       th, td { border-color: #444 } text { fill: #aaa } .b { fill: #44566b } }
"""
HEADS = ("language", "shown", "accepted", "acceptance", "kept after 30 s",
         "characters saved", "without the model", "p50", "p90", "p99")  # fmt: skip
# The same for a terminal of 80 columns.
SHORT_HEADS = ("language", "shown", "accepted", "rate", "kept", "saved", "cached",
               "p50", "p90", "p99")  # fmt: skip
LEGEND = (
    "rate: accepted of shown; kept: of the accepted, after 30 s; saved: characters;\n"
    "cached: without the model; p50, p90, p99: time to the answer"
)


def page(records: Sequence[Record]) -> str:
    """Return a complete HTML document, with plots as inline SVG."""
    rows = summarize(records)
    body = _body(records, rows) if rows else "<p>Nothing was suggested yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<title>starcoder-lsp: suggestions</title>"
        f"<style>{STYLE}</style></head><body><h1>Suggestions</h1>{body}"
        "<p>Counted on this machine, sent nowhere.</p></body></html>\n"
    )


def _body(records: Sequence[Record], rows: Sequence[Row]) -> str:
    days = list(by_day(records).items())[-MAX_DAYS:]
    shown = rows[: 1 + MAX_LANGUAGES]
    languages = [row.language or "none" for row in shown]
    plots = (
        ("Per day", bars([_date(day) for day, _ in days], [
            Series("shown", "b", [one.n_shown for _, one in days]),
            Series("accepted", "a", [one.n_accepted for _, one in days])])),
        ("Characters saved per day", bars([_date(day) for day, _ in days], [
            Series("characters", "a", [one.characters_saved for _, one in days])])),
        ("Per language, %", bars(languages, [
            Series("accepted", "a", [100 * row.acceptance for row in shown]),
            Series("of it kept after 30 s", "c",
                   [100 * (row.kept_after_30_s or 0) for row in shown])])),
        ("Time to the answer per language, ms", bars(languages, [
            Series("p50", "a", [row.latency_ms_p50 for row in shown]),
            Series("p90", "b", [row.latency_ms_p90 for row in shown]),
            Series("p99", "c", [row.latency_ms_p99 for row in shown])])),
        ("Suggestions by time to the answer", _latencies(latencies(records))),
    )  # fmt: skip
    return _table(rows) + "".join(f"<h2>{title}</h2>{plot}" for title, plot in plots)


def as_text(records: Sequence[Record]) -> str:
    """Return the same figures as a table in plain text."""
    rows = summarize(records)
    if not rows:
        return "nothing was suggested yet"
    table = [SHORT_HEADS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        pairs = list(zip(line, widths, strict=True))
        numbers = [cell.rjust(width) for cell, width in pairs[1:]]
        lines.append("  ".join([line[0].ljust(widths[0]), *numbers]))
    return "\n".join([*lines, "", LEGEND])


def cells(row: Row) -> tuple[str, ...]:
    """Format the figures of a row, in the order of HEADS."""
    kept = "–" if row.kept_after_30_s is None else f"{row.kept_after_30_s:.0%}"
    return (
        row.language or "none",
        str(row.n_shown),
        str(row.n_accepted),
        f"{row.acceptance:.0%}",
        kept,
        str(row.characters_saved),
        f"{row.known_share:.0%}",
        f"{row.latency_ms_p50:.0f} ms",
        f"{row.latency_ms_p90:.0f} ms",
        f"{row.latency_ms_p99:.0f} ms",
    )


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{name}</th>" for name in HEADS)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in cells(row)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><tr>{head}</tr>{body}</table>"


def _latencies(times: Sequence[float]) -> str:
    limits = (*BAR_LIMITS_MS, float("inf"))
    counts = [
        sum(low <= time < high for time in times)
        for low, high in zip((0, *limits), limits, strict=False)
    ]
    labels = [f"<{limit} ms" for limit in BAR_LIMITS_MS] + ["more"]
    return bars(labels, [Series("suggestions", "a", counts)])


def _date(day: int) -> str:
    when = datetime.datetime.fromtimestamp(day * 86_400, datetime.UTC)
    return when.date().isoformat()
