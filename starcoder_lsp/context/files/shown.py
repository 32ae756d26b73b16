"""Tells whether a server may read a file that the user edits.

    python -m starcoder_lsp.context.files.shown FILE [PATTERN ...]

prints the reason against it, if there is one. It runs in a process of its own, because
git is asked for the user's rules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from starcoder_lsp.context.files.ignore import is_ignored
from starcoder_lsp.context.files.unwanted import is_secret

SECRET = "files that are made for secrets are not shown to a server"
IGNORED = "files that git or ignore files exclude are not shown to a server"


def why_hidden(file: str, extra: Sequence[str] = ()) -> str:
    """Return why a server may not read a file; "" if it may.

    `extra` are patterns of the option `ignore`.
    """
    # A link to a hidden file shows it, and a hidden link was meant to hide its file.
    real = os.path.realpath(file)
    folder, name = os.path.split(file)
    named = f"{os.path.realpath(folder)}/{name}"
    if any(is_secret(one.replace("\\", "/")) for one in (file, real)):
        return SECRET
    return IGNORED if any(is_ignored(one, extra) for one in {named, real}) else ""


if __name__ == "__main__":
    sys.stdout.write(why_hidden(sys.argv[1], sys.argv[2:]))
