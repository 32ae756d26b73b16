"""Writes the settings of the VS Code extension; `make docs` runs it.

    python -P -m starcoder_lsp.settings.vscode editors/vscode/package.json

The first section of `contributes.configuration` is written by hand, and has the settings
of the extension itself; all others are replaced.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.reference import TITLES
from starcoder_lsp.settings.schema import Option

SECTION = "starcoder"


def written(package: str) -> str:
    """Return a package.json with the settings as they should be."""
    content = json.loads(package)
    contributes = content["contributes"]
    own, *_ = contributes["configuration"]
    contributes["configuration"] = [own, *_sections()]
    trust = content["capabilities"]["untrustedWorkspaces"]
    trust["restrictedConfigurations"] = [
        _key(one) for one in OPTIONS.values() if _is_for_folders(one)
    ]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _sections() -> list[dict[str, Any]]:
    return [
        {"title": TITLES[section], "properties": _properties(rows)}
        for section, rows in groupby(OPTIONS.values(), lambda one: one.section)
    ]


def _properties(rows: Iterable[Option]) -> dict[str, Any]:
    return {_key(row): _property(row, order) for order, row in enumerate(rows)}


def _property(row: Option, order: int) -> dict[str, Any]:
    """Return a setting as VS Code declares it.

    A setting of which a project may not set every value is for the user's own settings
    only, because `.vscode/settings.json` comes with a cloned repository too.
    """
    return {
        **row.form.schema,
        "default": row.default,
        "markdownDescription": f"{row.help[0].upper()}{row.help[1:]}.",
        "scope": "window" if _is_for_folders(row) else "machine",
        "order": order,
    }


def _is_for_folders(row: Option) -> bool:
    return row.project is not None and row.project.form is None


def _key(row: Option) -> str:
    return f"{SECTION}.{row.name}"


def main() -> None:
    package = Path(sys.argv[1])
    package.write_text(written(package.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
