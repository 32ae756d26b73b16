"""Draws bar charts as inline SVG, with a legend, a scale and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 30, 30
# The width of one character of a label, in pixels.
CHARACTER_WIDTH = 6.5
GAP_SHARE = 0.25
LINES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Series:
    """Bars of one kind: their name, their CSS class, and a value for each label."""

    name: str
    style: str
    values: Sequence[float]


def bars(labels: Sequence[str], series: Sequence[Series]) -> str:
    """Return an SVG element with one group of bars for each label."""
    highest = max((value for one in series for value in one.values), default=0) or 1
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    parts = [*_scale(highest), *_legend(series), *_labels(labels, step)]
    width = step * (1 - GAP_SHARE) / max(len(series), 1)
    for n, one in enumerate(series):
        for i, (label, value) in enumerate(zip(labels, one.values, strict=True)):
            height = value / highest * (HEIGHT - TOP - BOTTOM)
            x = LEFT + i * step + n * width
            parts.append(
                f'<rect class="{one.style}" x="{x:.1f}" y="{_base() - height:.1f}" '
                f'width="{width:.1f}" height="{height:.1f}">'
                f"<title>{escape(label)}: {value:,.0f} {escape(one.name)}</title></rect>"
            )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'


def _base() -> int:
    return HEIGHT - BOTTOM


def _scale(highest: float) -> list[str]:
    parts = []
    for share in LINES:
        y = _base() - share * (HEIGHT - TOP - BOTTOM)
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{highest * share:,.0f}</text>"
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#8884"/>'
        )
    return parts


def _legend(series: Sequence[Series]) -> list[str]:
    parts, x = [], float(LEFT)
    for one in series:
        parts.append(
            f'<rect class="{one.style}" x="{x:.1f}" y="6" width="10" height="10"/>'
            f'<text x="{x + 14:.1f}" y="15">{escape(one.name)}</text>'
        )
        x += 30 + CHARACTER_WIDTH * len(one.name)
    return parts


def _labels(labels: Sequence[str], step: float) -> list[str]:
    """Return as many labels as fit side by side, without overlap."""
    longest = (max(map(len, labels), default=0) + 1) * CHARACTER_WIDTH
    every = max(-(-longest // step), 1)
    room = WIDTH - RIGHT - longest
    return [
        f'<text x="{min(LEFT + i * step, room):.1f}" y="{_base() + 16}">'
        f"{escape(label)}</text>"
        for i, label in enumerate(labels)
        if i % every == 0 and (i == 0 or LEFT + i * step <= room + step / 2)
    ]
