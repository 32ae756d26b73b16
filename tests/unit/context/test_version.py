"""An index is stale as soon as something that decides its content changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from starcoder_lsp.context.index.version import (
    DECIDING,
    PACKAGE,
    index_version,
    version_of,
)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "queries").mkdir()
    (tmp_path / "languages.toml").write_text("[python]")
    (tmp_path / "queries" / "python.scm").write_text("(class)")
    return tmp_path


@pytest.mark.parametrize("name", ["languages.toml", "queries/python.scm"])
def test_a_changed_row_or_query_is_another_version(tables: Path, name: str) -> None:
    before = version_of([tables])
    assert version_of([tables]) == before
    (tables / name).write_text((tables / name).read_text() + " ")
    assert version_of([tables]) != before


def test_a_new_query_is_another_version(tables: Path) -> None:
    before = version_of([tables])
    (tables / "queries" / "go.scm").touch()
    assert version_of([tables]) != before


def test_compiled_files_change_nothing(tables: Path) -> None:
    before = version_of([tables])
    (tables / "languages.cpython-311.pyc").write_bytes(b"x")
    assert version_of([tables]) == before


def test_every_part_that_decides_exists() -> None:
    assert all((PACKAGE / part).exists() for part in DECIDING)
    assert 0 < index_version() < 1 << 31
