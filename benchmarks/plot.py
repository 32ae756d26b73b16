"""Draws a self-contained SVG: one group of bars per row, with a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

COLORS = ("#9aa5b1", "#d98e5f", "#2f7f6f", "#5a6fbf")
WIDTH, LEFT, BAR, GAP, TOP = 860, 230, 15, 16, 58
RIGHT = 90

Groups = Mapping[str, Mapping[str, float]]


def bars(title: str, unit: str, groups: Groups, *, floor: float) -> str:
    """Draw `groups[row][contestant]`; a value below `floor` gets a bar of one pixel."""
    names = list(next(iter(groups.values())))
    top = max(value for group in groups.values() for value in group.values())
    decades = max(math.ceil(math.log10(top / floor)), 1)
    scale = (WIDTH - LEFT - RIGHT) / decades
    body, y = [_legend(names)], TOP
    for row, group in groups.items():
        height = len(group) * BAR
        body.append(_text(LEFT - 10, y + height / 2 + 4, row, "end"))
        for name, value in group.items():
            length = scale * math.log10(value / floor) if value > floor else 1
            color = COLORS[names.index(name) % len(COLORS)]
            body.append(
                f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" '
                f'fill="{color}"/>'
            )
            shown = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
            body.append(_text(LEFT + length + 5, y + BAR - 4, shown, size=11))
            y += BAR
        y += GAP
    heading = _text(LEFT, 20, f"{title} ({unit}, logarithmic)", size=15)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
        f'font-family="system-ui, sans-serif" fill="#333">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>\n{heading}\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _legend(names: list[str]) -> str:
    parts = []
    for i, name in enumerate(names):
        x = LEFT + i * 190
        color = COLORS[i % len(COLORS)]
        parts.append(f'<rect x="{x}" y="32" width="11" height="11" fill="{color}"/>')
        parts.append(_text(x + 16, 42, name, size=12))
    return "\n".join(parts)


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
