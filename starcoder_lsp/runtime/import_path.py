"""Decides once from which folders this process and its children import modules.

The front chooses at its start (`settle`), and children get its list (`command`):

- Packages in the interpreter's own environment need nothing of `PYTHONPATH`. What a user
  has there for other programs is left out, so that an old or broken module in it cannot
  stop the server.
- A package that was found by `PYTHONPATH` (`pip install --target`, Spack, modules on a
  cluster) keeps it; folders with what we need come first.
- Folders that a wrapper script has added (Nix, Guix) stay.
- The working directory may be a project's, so it is never one of them, and neither is
  the folder of the script that started us.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

OWN = "starcoder_lsp"
# What the dependencies in pyproject.toml are called as modules.
DEPENDENCIES = (
    "filelock", "httpx2", "huggingface_hub", "llama_cpp", "lsprotocol", "numpy",
    "platformdirs", "pygls", "tree_sitter", "tree_sitter_language_pack",
)  # fmt: skip
# Runs a module in a child; its arguments are the folders, the module and the rest.
START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def settle() -> None:
    """Choose the folders; to be called before packages of others are imported."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    by_environment = [] if sys.flags.ignore_environment else named
    own_folder = str(Path(__file__).parents[2])
    script_folder = "" if sys.flags.safe_path else _folder_of_script()
    unwanted = {"", _working_directory(), script_folder} - {own_folder}
    sys.path[:] = chosen(sys.path, by_environment, own_folder, unwanted)


def command(name: str, arguments: Iterable[str]) -> list[str]:
    """The command line that runs one of our modules, importing what this process would.

    `-E` ignores the environment variables of Python, `-P` keeps the working directory
    out. (`-I` would do both, but disable user installations as well.)
    """
    folders = json.dumps([folder for folder in sys.path if folder])
    return [sys.executable, "-E", "-P", "-c", START, folders, name, *arguments]


def chosen(
    path: Sequence[str],
    by_environment: Sequence[str],
    own_folder: str,
    unwanted: Iterable[str] = (),
) -> list[str]:
    """The entries of `path` to import from, in their order.

    `by_environment` are the entries of `PYTHONPATH`; those that are relative mean the
    working directory. `own_folder` is where this package was found.
    """
    kept = [entry for entry in path if entry not in unwanted]
    named = {entry for entry in by_environment if Path(entry).is_absolute()}
    if not any(by_environment):
        return kept
    relative = {os.path.realpath(entry) for entry in by_environment} - named
    usual = [entry for entry in kept if entry not in named | relative]
    if own_folder not in named and all(_holds(usual, one) for one in DEPENDENCIES):
        return usual
    extra = [entry for entry in kept if entry in named]
    # Stable: those that hold something of ours keep their order, before the others.
    extra.sort(key=lambda entry: not _holds_any(entry))
    return [*extra, *usual]


def explained(exc: ImportError | SyntaxError) -> str:
    """A line for the user about a package that cannot be imported."""
    file = exc.path if isinstance(exc, ImportError) else exc.filename
    where = f" in {file}" if file else ""
    named = os.environ.get("PYTHONPATH")
    remedy = "install starcoder-lsp again, in an environment of its own"
    if named and not sys.flags.ignore_environment:
        remedy = f"PYTHONPATH is {named!r}: unset it, or {remedy}"
    return f"a package cannot be imported{where}: {exc}; {remedy}"


def _working_directory() -> str:
    try:
        return os.path.realpath(os.curdir)
    except OSError:  # it was deleted
        return ""


def _folder_of_script() -> str:
    return os.path.dirname(os.path.realpath(sys.argv[0]))  # noqa: PTH120 # may be empty


def _holds(path: Sequence[str], module: str) -> bool:
    """Return whether the folders, or a finder of an editable install, hold a module."""
    if PathFinder.find_spec(module, path) is not None:
        return True
    others = [one for one in sys.meta_path if one is not PathFinder]
    return any(one.find_spec(module, None) is not None for one in others)


def _holds_any(entry: str) -> bool:
    return any(PathFinder.find_spec(one, [entry]) for one in (OWN, *DEPENDENCIES))
