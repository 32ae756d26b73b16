"""The files that documents are, or are part of."""

from __future__ import annotations

from pathlib import Path

import pytest

from starcoder_lsp.lsp.documents.uris import path_of


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        (":/project/n.ipynb#W0sZmlsZQ", "/project/n.ipynb"),
        ("://host:80/project/n.ipynb#cell", "/project/n.ipynb"),
        ("://ssh-remote%2Bhost/my%20n.ipynb#W0sdnNjb2RlLXJlbW90ZQ", "/my n.ipynb"),
        ("://github/owner/name/n.ipynb#W0sdnNjb2RlLXZmcw", None),
        (":Untitled-1.ipynb#W0sdW50aXRsZWQ", None),
    ],
    ids=["local", "host", "remote window", "virtual", "unnamed"],
)
def test_a_cell_is_part_of_the_notebook_on_the_servers_machine(
    cell: str, path: str | None
) -> None:
    assert path_of(f"vscode-notebook-cell{cell}") == (path and Path(path))


def test_a_file_on_another_machine_has_no_path() -> None:
    assert path_of("file://server/project/a.py") is None
