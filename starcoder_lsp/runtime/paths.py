"""Every directory that the program uses, and how a file and its URI name each other.

`STARCODER_LSP_DATA`, `STARCODER_LSP_CACHE` and `STARCODER_LSP_CONFIG` move them. Where a
system has no home directory for the user they lie in `NOWHERE`: nothing can be read or
written there, so that what would be kept stays in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

import platformdirs

APP = "starcoder-lsp"
PROJECT_FILE = ".starcoder.toml"
# Below a file, so that not even root can make a directory of it by accident.
NOWHERE = Path(os.devnull) / "no-home-directory"
# This machine, in the two ways that a file's URI may name it.
LOCAL_HOSTS = frozenset(("", "localhost"))


def user_config_file() -> Path:
    named = os.environ.get("STARCODER_LSP_CONFIG")
    if named:
        return Path(named).absolute()
    return _own(platformdirs.user_config_dir) / "config.toml"


def data_dir() -> Path:
    """The directory of what cannot be made again: models, statistics."""
    return _named("STARCODER_LSP_DATA") or _own(platformdirs.user_data_dir)


def models_dir() -> Path:
    return data_dir() / "models"


def cache_dir() -> Path:
    """The directory of what can be made again: indexes, measured speeds, KV files."""
    return _named("STARCODER_LSP_CACHE") or _own(platformdirs.user_cache_dir)


def runtime_dir() -> Path:
    """The directory of what is of use only while processes run: sockets and locks."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and Path(named).is_absolute() and Path(named).is_dir():
        return Path(named) / APP
    return cache_dir() / "run"


def _named(variable: str) -> Path | None:
    """The directory that an environment variable names."""
    named = os.environ.get(variable)
    # Child processes work in another directory.
    return Path(named).absolute() if named else None


def _own(directory_of: Callable[..., str]) -> Path:
    """A directory in the user's home; `NOWHERE` for a user without a home.

    There platformdirs raises RuntimeError, and older versions answer a relative path,
    `~/...`, which a project could provide.
    """
    try:
        directory = Path(directory_of(APP, appauthor=False))
    except RuntimeError:
        return NOWHERE
    return directory if directory.is_absolute() else NOWHERE


def project_file(start: Path, roots: Iterable[Path]) -> Path | None:
    """The nearest project file from `start` up to a root that holds it, both included.

    Links are resolved. Where links lead out of the workspace, the folders that `start`
    names are looked at as well.
    """
    ends = {os.path.realpath(root) for root in roots}
    for path in dict.fromkeys((Path(os.path.realpath(start)), start)):
        found = None
        for folder in (path, *path.parents):
            candidate = folder / PROJECT_FILE
            # os.path answers False where pathlib raises: no access, too long a name.
            if found is None and os.path.lexists(candidate):
                found = candidate
            if os.path.realpath(folder) in ends:
                if found is not None:
                    return found
                break
    return None


def uri_of(file: Path) -> str:
    """The URI of an absolute path, also of one that is no UTF-8.

    >>> uri_of(Path("/a b/é"))
    'file:///a%20b/%C3%A9'
    """
    return "file://" + quote_from_bytes(os.fsencode(file))


def path_of_uri(
    uri: str, schemes: frozenset[str] = frozenset(("file",))
) -> Path | None:
    """The path on this machine that a URI of one of the schemes names, links and all.

    >>> path_of_uri("file://localhost/a%20b"), path_of_uri("untitled:b.py")
    (PosixPath('/a b'), None)
    """
    try:
        parts = urlsplit(uri)
        path = os.fsdecode(unquote_to_bytes(parts.path))
    except ValueError:  # no URI, or half a surrogate pair in it
        return None
    is_here = parts.scheme in schemes and parts.netloc.lower() in LOCAL_HOSTS
    return Path(path) if is_here and path and "\0" not in path else None


def packaged_file(name: str) -> Path:
    """A data file of the package; an editable install finds it beside the package."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_file() else package.parent / name
