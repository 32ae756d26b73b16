"""Writes an evaluation as a page that needs nothing else: figures, plots, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from starcoder_lsp import __version__
from starcoder_lsp.errors import ConfigError

# Longer parts of an example are cut.
MAX_CHARACTERS = 4000
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #8884; }
pre { overflow-x: auto; padding: .6rem; background: #8881; font-size: 13px; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; margin-bottom: .4rem; }
svg { width: 100%; max-width: 790px; } svg text { font-size: 13px; fill: currentColor; }
.ground { fill: #8882; } .bar { fill: #4a7fd4; }
.interval { stroke: currentColor; stroke-width: 1.5; }
"""


@dataclass(frozen=True)
class Example:
    """An answer that went wrong: its name, and its parts by their names."""

    name: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class ReportPage:
    """A report; `plots` are SVG figures."""

    title: str
    figures: Mapping[str, Any]
    plots: Sequence[str] = ()
    examples: Sequence[Example] = ()

    def html(self) -> str:
        examples = "".join(map(_example, self.examples))
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<title>{escape(self.title)}</title><style>{STYLE}</style></head><body>"
            f"<h1>{escape(self.title)}</h1><p>starcoder-lsp {__version__}</p>"
            f"{_table(self.figures)}{''.join(self.plots)}"
            + (f"<h2>Answers that went wrong</h2>{examples}" if examples else "")
            + "</body></html>\n"
        )


def write(file: Path, page: ReportPage) -> None:
    try:
        file.write_text(page.html(), "utf-8", errors="replace")
    except OSError as exc:
        raise ConfigError(f"{file} cannot be written: {exc.strerror}") from exc


def _table(figures: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{_value(value)}</td></tr>"
        for name, value in figures.items()
    )
    return f"<table>{rows}</table>"


def _value(value: Any) -> str:
    return _table(value) if isinstance(value, Mapping) else escape(str(value))


def _example(example: Example) -> str:
    parts = "".join(
        f"<p>{escape(name)}</p><pre>{escape(text[-MAX_CHARACTERS:])}</pre>"
        for name, text in example.parts.items()
    )
    return f"<details><summary>{escape(example.name)}</summary>{parts}</details>"
