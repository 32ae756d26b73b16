"""Writes the tables of docs/settings.md; `make docs` runs it.

    python -P -m starcoder_lsp.settings.reference docs/settings.md

Everything between the two marks is replaced; the text around them is written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.schema import Option

BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
# What the sections are called in the documentation.
TITLES = {
    "engine": "Model and engine",
    "trigger": "When suggestions are made",
    "writing": "How suggestions are written",
    "context": "Other files",
    "lsp": "Editor",
    "log": "Log",
}


def tables() -> str:
    """One table for each section of the settings, in Markdown."""
    parts: list[str] = []
    for section, rows in groupby(OPTIONS.values(), lambda one: one.section):
        parts += [f"## {TITLES[section]}", "", *_table(rows), ""]
    return "\n".join(parts)


def _table(rows: Iterator[Option]) -> Iterator[str]:
    yield "| Setting | Default | Project | Meaning | Value |"
    yield "|---|---|---|---|---|"
    for row in rows:
        default = "" if row.default is None else f"`{json.dumps(row.default)}`"
        project = row.project.name if row.project else "no"
        yield f"| `{row.name}` | {default} | {project} | {row.help} | {row.form.name} |"


def written(page: str) -> str:
    """The page with its tables as they should be; raises ValueError without the marks."""
    before, rest = page[: page.index(BEGIN)], page[page.index(END) :]
    return f"{before}{BEGIN}\n{tables()}\n{rest}"


def main() -> None:
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
