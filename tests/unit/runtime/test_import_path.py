"""The front and its children import from the same folders, and from no project."""

from __future__ import annotations

import json
import os
import re
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lsp_client import Client

from starcoder_lsp.runtime import import_path
from starcoder_lsp.runtime.import_path import DEPENDENCIES, OWN, chosen

ROOT = Path(__file__).parents[3]
# An interpreter without our packages, where there is one.
BARE = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


def folder_with(folder: Path, *modules: str) -> str:
    folder.mkdir()
    for module in modules:
        (folder / f"{module}.py").write_text("")
    return str(folder)


@pytest.fixture
def usual(tmp_path: Path) -> str:
    return folder_with(tmp_path / "site-packages", OWN, *DEPENDENCIES)


def test_modules_of_the_dependencies_are_known_by_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split("[<>=!]", one)[0] for one in project["dependencies"]]
    modules = {name.removesuffix("-python").replace("-", "_") for name in names}
    assert modules == set(DEPENDENCIES)


def test_a_usual_installation_needs_nothing_of_the_environment(
    tmp_path: Path, usual: str
) -> None:
    old = folder_with(tmp_path / "old", "attr", "pygls")
    assert chosen([old, usual], [old], own_folder=usual) == [usual]


def test_an_installation_by_the_environment_keeps_it_and_comes_first(
    tmp_path: Path,
) -> None:
    old = folder_with(tmp_path / "old", "attr")
    ours = folder_with(tmp_path / "ours", OWN)
    theirs = folder_with(tmp_path / "theirs", *DEPENDENCIES)
    path = [old, ours, theirs, "/usr/lib"]
    assert chosen(path, [old, ours, theirs], own_folder=ours) == [
        ours, theirs, old, "/usr/lib",
    ]  # fmt: skip


def test_a_dependency_that_only_the_environment_has_is_found(tmp_path: Path) -> None:
    ours = folder_with(tmp_path / "ours", OWN, *DEPENDENCIES[1:])
    theirs = folder_with(tmp_path / "theirs", DEPENDENCIES[0])
    assert chosen([theirs, ours], [theirs], own_folder=ours) == [theirs, ours]


def test_the_working_directory_is_never_among_the_import_folders(
    tmp_path: Path, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder_with(tmp_path / "project", "pygls"))
    here = str(Path.cwd())
    ours = folder_with(tmp_path / "ours", OWN, *DEPENDENCIES)
    for named in (["", ours], [".", ours], ["../project", ours]):
        assert chosen([here, ours], named, own_folder=ours) == [ours]
    assert chosen([here, usual], [], usual, unwanted=[here]) == [usual]


def test_a_child_imports_from_the_folders_of_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = tmp_path / "added: by a wrapper"
    added.mkdir()
    (added / "probe.py").write_text(
        "import json, sys; print(json.dumps([__name__, sys.path, sys.argv]))"
    )
    monkeypatch.syspath_prepend(str(added))
    command = import_path.command("probe", ["one", "-x"])
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    name, path, arguments = json.loads(done.stdout)
    assert (name, path) == ("__main__", sys.path)
    assert arguments == [str(added / "probe.py"), "one", "-x"]


async def test_a_broken_module_of_other_programs_does_not_stop_the_server(
    tmp_path: Path,
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("attr", "cattrs", "tree_sitter", "numpy"):
        (old / f"{name}.py").write_text("raise ImportError('old')")
    client = await Client.start("--context", "false", env={"PYTHONPATH": str(old)})
    try:
        assert "capabilities" in await client.initialize()
    finally:
        await client.close()


def bare(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run our program with an interpreter that finds it only by PYTHONPATH."""
    alone = subprocess.run([BARE, "-I", "-c", "import starcoder_lsp"], check=False, capture_output=True)  # fmt: skip
    if alone.returncode == 0:
        pytest.skip(f"{BARE} has starcoder-lsp installed")
    return subprocess.run(
        [BARE, "-P", "-m", "starcoder_lsp", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


def everything_we_import_from() -> list[str]:
    inside = [folder for folder in sys.path if Path(sys.prefix) in Path(folder).parents]
    # Those of a .pth file are not added for PYTHONPATH.
    return list(dict.fromkeys([*inside, *site.getsitepackages(), *sys.path, str(ROOT)]))


@pytest.mark.skipif(not BARE.exists(), reason=f"there is no {BARE}")
def test_an_installation_by_pythonpath_works_with_all_its_children(
    tmp_path: Path,
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("def a():\n    return 1\n")
    old = folder_with(tmp_path / "old")
    (tmp_path / "old" / "attr.py").write_text("raise ImportError('old')")
    elsewhere = [
        folder for folder in everything_we_import_from()
        if Path(folder).is_dir() and sys.base_prefix not in folder
    ]  # fmt: skip
    path = os.pathsep.join([old, *elsewhere])
    done = bare("index", str(code), PYTHONPATH=path)
    assert f"{code}: 1 files, 1 definitions" in done.stdout, done.stderr


@pytest.mark.skipif(not BARE.exists(), reason=f"there is no {BARE}")
def test_a_missing_package_is_named_with_the_way_out(tmp_path: Path) -> None:
    done = bare("complete", "a.py:1:1", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No module named 'platformdirs'" in line
    assert "PYTHONPATH is" in line
