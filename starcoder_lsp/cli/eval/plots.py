"""Draws shares as bars with 95 % intervals, as SVG for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from starcoder_lsp.cli.eval.measures.estimates import share_interval

N_BINS = 5
# Sizes in pixels.
LABEL, BAR, FIGURES, ROW = 190, 420, 180, 26


def bars(title: str, groups: Mapping[str, Sequence[bool]]) -> str:
    """Draw for each group the share that is true."""
    height = ROW * len(groups) + 8
    rows = [
        _bar(label, values, ROW * number + 4)
        for number, (label, values) in enumerate(groups.items())
    ]
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {LABEL + BAR + FIGURES} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(rows)}</svg></figure>'
    )


def by_latency(title: str, timed: Sequence[tuple[float, bool]]) -> str:
    """Draw the share that is true among the fastest fifth of the answers, and so on."""
    ordered = sorted(timed)
    groups = {}
    for number in range(N_BINS):
        start, end = (len(ordered) * n // N_BINS for n in (number, number + 1))
        if part := ordered[start:end]:
            label = f"{part[0][0]:,.0f} to {part[-1][0]:,.0f} ms"
            groups[label] = [is_right for _, is_right in part]
    return bars(title, groups)


def _bar(label: str, values: Sequence[bool], top: int) -> str:
    n, n_right = len(values), sum(values)
    share = n_right / n if n else 0.0
    low, high = (LABEL + BAR * bound for bound in share_interval(n_right, n))
    middle, base = top + ROW / 2 - 2, top + ROW * 0.7
    return (
        f'<text x="{LABEL - 8}" y="{base}" text-anchor="end">{escape(label)}</text>'
        f'<rect class="ground" x="{LABEL}" y="{top}" width="{BAR}" height="{ROW - 6}"/>'
        f'<rect class="bar" x="{LABEL}" y="{top}" width="{BAR * share:.1f}" '
        f'height="{ROW - 6}"/>'
        f'<path class="interval" d="M{low:.1f} {middle}H{high:.1f}"/>'
        f'<text x="{LABEL + BAR + 8}" y="{base}">{share:.1%} ({n_right} of {n})</text>'
    )
