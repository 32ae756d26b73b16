"""The statistics as one HTML page: no script, no address, plots as inline SVG."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from html import escape

from starcoder_lsp.statistics import Record
from starcoder_lsp.statistics.summary import Row, by_day, latencies, summarize

WIDTH, HEIGHT, MARGIN = 640, 180, 30
MAX_DAYS = 60
BAR_LIMITS_MS = (1, 5, 20, 50, 100, 200, 400, 800, 1600, 3200)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em;
       padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: .3em .8em; text-align: right;
       border-bottom: 1px solid #ddd } th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto } text { font-size: 11px; fill: #555 }
.shown { fill: #b9cbe0 } .taken { fill: #2b6cb0 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b }
       th, td { border-color: #444 } text { fill: #aaa } .shown { fill: #44566b } }
"""
HEADS = ("language", "shown", "accepted", "acceptance", "kept after 30 s",
         "characters saved", "without the model", "p50", "p90", "p99")  # fmt: skip


def page(records: Sequence[Record]) -> str:
    """A whole HTML document."""
    rows = summarize(records)
    body = "<p>Nothing was suggested yet.</p>"
    if rows:
        body = (
            _table(rows)
            + "<h2>Per day</h2>"
            + _days(records)
            + "<h2>Time to the answer</h2>"
            + _latencies(latencies(records))
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<title>starcoder-lsp: suggestions</title>"
        f"<style>{STYLE}</style></head><body><h1>Suggestions</h1>{body}"
        "<p>Counted on this machine, sent nowhere.</p></body></html>\n"
    )


def as_text(records: Sequence[Record]) -> str:
    """The same figures as a table of plain text."""
    rows = summarize(records)
    if not rows:
        return "nothing was suggested yet"
    table = [HEADS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        pairs = list(zip(line, widths, strict=True))
        numbers = [cell.rjust(width) for cell, width in pairs[1:]]
        lines.append("  ".join([line[0].ljust(widths[0]), *numbers]))
    return "\n".join(lines)


def cells(row: Row) -> tuple[str, ...]:
    """A row's figures as people read them, in the order of HEADS."""
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


def _days(records: Sequence[Record]) -> str:
    days = list(by_day(records).items())[-MAX_DAYS:]
    labels = [_date(day) for day, _ in days]
    shown = [n_shown for _, (n_shown, _) in days]
    taken = [n_taken for _, (_, n_taken) in days]
    return _bars(labels, shown, taken)


def _latencies(times: Sequence[float]) -> str:
    limits = (*BAR_LIMITS_MS, float("inf"))
    counts = [
        sum(low <= time < high for time in times)
        for low, high in zip((0, *limits), limits, strict=False)
    ]
    labels = [f"<{limit} ms" for limit in BAR_LIMITS_MS] + ["more"]
    return _bars(labels, counts, [0] * len(counts))


def _bars(labels: Sequence[str], shown: Sequence[int], taken: Sequence[int]) -> str:
    """Bars of all, and in front of them those accepted."""
    step = (WIDTH - 2 * MARGIN) / len(labels)
    scale = (HEIGHT - 2 * MARGIN) / max(*shown, 1)
    base = HEIGHT - MARGIN
    parts = []
    for i, (label, n_shown, n_taken) in enumerate(
        zip(labels, shown, taken, strict=True)
    ):
        x = MARGIN + i * step
        for kind, count in (("shown", n_shown), ("taken", n_taken)):
            height = count * scale
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{base - height:.1f}" '
                f'width="{step * 0.8:.1f}" height="{height:.1f}">'
                f"<title>{escape(label)}: {n_shown} shown, {n_taken} accepted</title>"
                "</rect>"
            )
        if i % max(len(labels) // 10, 1) == 0:
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 12}">{escape(label)}</text>')
    parts.append(f'<text x="2" y="{MARGIN - 8}">{max(shown)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'


def _date(day: int) -> str:
    when = datetime.datetime.fromtimestamp(day * 86_400, datetime.UTC)
    return when.date().isoformat()
