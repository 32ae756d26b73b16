"""Tells whether a server may read a file that the user edits.

    python -m starcoder_lsp.context.files.shown FILE [PATTERN ...]

prints the reason against it, if there is one. It runs in a process of its own, because
git is asked for the user's rules.
"""

from __future__ import annotations

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
    if is_secret(file.replace("\\", "/")):
        return SECRET
    return IGNORED if is_ignored(file, extra) else ""


if __name__ == "__main__":
    sys.stdout.write(why_hidden(sys.argv[1], sys.argv[2:]))
