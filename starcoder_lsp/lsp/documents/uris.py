"""Tells documents from other things that editors open, and finds their files."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.runtime.network_disks import DISKS
from starcoder_lsp.runtime.paths import path_of_uri

# Documents that an editor may have open at once.
N_REMEMBERED = 1024

# The schemes of documents that a user writes code in. The server ignores all others,
# whatever a client sends: terminals (`term`), logs (`output`), old versions (`git`,
# `fugitive`), commit messages (`vscode-scm`), search results (`search-editor`), settings
# (`vscode-userdata`), libraries in archives (`jar`, `zipfile`), decompiled classes
# (`jdt`), chats, and what extensions invent.
DOCUMENT_SCHEMES = {
    "": "a bare path, from clients that take paths for URIs",
    "file": "a file; `file://` alone is an unnamed buffer of Neovim",
    "untitled": "a new file of VS Code, and an unnamed buffer of our plugins",
    "buffer": "a new file of Sublime Text",
    "inmemory": "a model of Monaco, which web editors are made of",
    "memfs": "VS Code's sample file system in memory",
    "vscode-notebook-cell": "a cell of a notebook in VS Code",
    "vscode-interactive-input": "the input of VS Code's interactive window",
    "vscode-remote": "a file on the host of a remote window of VS Code",
    "vscode-vfs": "a file of a repository that VS Code edits in place",
    "vscode-test-web": "a file of VS Code in a browser",
    "vsls": "a file that another user shares in VS Code Live Share",
    "ssh": "a file on another host",
    "scp": "a file on another host, as Vim's netrw calls it",
    "sftp": "a file on another host",
}
CELL = "vscode-notebook-cell"
# Documents that are, or are part of, a file on this machine.
WITH_A_PATH = frozenset(("file", CELL))
# The schemes of notebooks that are such files; empty if a cell's URI does not tell it.
NOTEBOOKS_WITH_A_PATH = frozenset(("", "file", "vscode-remote"))
_real_paths: BoundedDict[str, Path] = BoundedDict(N_REMEMBERED)
CELL_OF = re.compile(r"[W-Za-f]+[0-6]+s([\w-]+={0,2})")


@lru_cache(N_REMEMBERED)
def is_document(uri: str) -> bool:
    """Return whether `uri` names a document that a user writes code in.

    The URI of a cell in VS Code holds the scheme of its notebook, which tells the cells
    of an old version in a comparison.

    >>> is_document("untitled:b.py"), is_document("git:/a.py?HEAD")
    (True, False)
    >>> is_document("vscode-notebook-cell:/a.ipynb#W0sZ2l0")
    False
    """
    parts = _split(uri)
    scheme = parts.scheme if parts else ""
    if scheme == CELL and parts is not None:
        scheme = _scheme_of_notebook(parts.fragment) or scheme
    # A single letter is a drive on Windows: a path, not a URI.
    return len(scheme) == 1 or scheme in DOCUMENT_SCHEMES


def path_of(uri: str) -> Path | None:
    """Return the file that a document is, or is part of; None if it is none.

    Links are resolved, so that a file has one path whatever the client calls it. While a
    disk does not answer, only links that were resolved before are.

    >>> path_of("vscode-notebook-cell:/a/b.ipynb#c1"), path_of("untitled:b.py")
    (PosixPath('/a/b.ipynb'), None)
    """
    if (real := _real_paths.get(uri)) is not None:
        return real
    path = named_path_of(uri)
    if path is None or not DISKS.are_reachable((path,)):
        return path
    real = _real_paths[uri] = Path(os.path.realpath(path))
    return real


def named_path_of(uri: str) -> Path | None:
    """Return the path as the client names it, which may contain links.

    >>> named_path_of("vscode-notebook-cell://ssh-remote%2Bbox/a.ipynb#W0sdnNjb2RlLXJlbW90ZQ")
    PosixPath('/a.ipynb')
    """
    parts = _split(uri)
    if parts and parts.scheme == CELL:
        if _scheme_of_notebook(parts.fragment) not in NOTEBOOKS_WITH_A_PATH:
            return None
        # In a remote window the authority is the host, on which the server runs too.
        uri = parts._replace(netloc="").geturl()
    return path_of_uri(uri, WITH_A_PATH)


def told_path_of(uri: str) -> Path | None:
    """Return the absolute path in a URI of any scheme, for rules about names.

    The file need not be on this machine. None for a document without a place.

    >>> told_path_of("ssh://host/home/me/.env"), told_path_of("untitled:Untitled-1")
    (PosixPath('/home/me/.env'), None)
    """
    parts = _split(uri)
    if parts is None or len(parts.scheme) == 1:
        # A path of Windows, not a URI.
        return Path(uri) if parts else None
    try:
        path = os.fsdecode(unquote_to_bytes(parts.path))
    except ValueError:  # half a surrogate pair
        return None
    return Path(path) if path.startswith("/") and "\0" not in path else None


def paths_of(uris: Iterable[str]) -> tuple[Path, ...]:
    """Return the files of those URIs that name one."""
    return tuple(path for path in map(path_of, uris) if path)


def _split(uri: str) -> SplitResult | None:
    try:
        return urlsplit(uri)
    except ValueError:
        return None


def _scheme_of_notebook(fragment: str) -> str:
    """Return the notebook's scheme from the URI of a cell; empty if it is missing.

    VS Code writes a handle, `s`, and the scheme in Base64: see CellUri in its
    notebookCommon.ts.
    """
    if (found := CELL_OF.fullmatch(fragment)) is None:
        return ""
    encoded = found[1].rstrip("=")
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        return ""
