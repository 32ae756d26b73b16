"""Every directory we ever touch.

`STARCODER_LSP_DATA`, `STARCODER_LSP_CACHE` and `STARCODER_LSP_CONFIG` move them; without a home directory
platformdirs still answers, and whoever writes there reports what went wrong.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "starcoder-lsp"
PROJECT_FILE = ".starcoder.toml"


def user_config_file() -> Path:
    named = os.environ.get("STARCODER_LSP_CONFIG")
    if named:
        return Path(named).absolute()
    return Path(platformdirs.user_config_dir(APP, appauthor=False)) / "config.toml"


def data_dir() -> Path:
    named = os.environ.get("STARCODER_LSP_DATA")
    if named:
        # Our children work in another directory.
        return Path(named).absolute()
    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def models_dir() -> Path:
    return data_dir() / "models"


def cache_dir() -> Path:
    """What can be made again: indexes, measured speeds, saved states."""
    named = os.environ.get("STARCODER_LSP_CACHE")
    if named:
        return Path(named).absolute()
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def runtime_dir() -> Path:
    """What is of use only while processes run: sockets and locks."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and Path(named).is_absolute() and Path(named).is_dir():
        return Path(named) / APP
    return cache_dir() / "run"


def project_file(start: Path, root: Path) -> Path | None:
    """The nearest project file from `start` up to `root`, both included."""
    for folder in (start, *start.parents):
        candidate = folder / PROJECT_FILE
        # os.path answers False where pathlib raises: no access, too long a name.
        if os.path.isfile(candidate):  # noqa: PTH113
            return candidate
        if folder == root:
            return None
    return None


def packaged_file(name: str) -> Path:
    """A data file of the package; an editable install finds it beside the package."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_file() else package.parent / name
