"""Rewrites text so that a prompt and an index may hold it: no secrets, nothing invisible."""

from __future__ import annotations

import re

from starcoder_lsp.context.secrets.detect import Secret, secrets
from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.flow import REDACTED

# Nobody sees these, but a model reads them: direction marks, joiners, tags, controls,
# and our own marks, which must not come from a file.
INVISIBLE = re.compile(
    "[\0-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff" + "".join(REDACTED.values()) + "]"
)


def redact(text: str, language: str = "") -> str:
    """Replace each secret of `text` by a mark of `flow.REDACTED`; remove what is invisible.

    Lines keep their numbers. `language` is a language id.

    >>> from starcoder_lsp.flow import readable
    >>> readable(redact('password = "hunter2!"'))
    'password = "<PASSWORD>"'
    """
    where = _visible(text)
    text, at = where.text, 0
    pieces: list[str] = []
    for secret in secrets(where, language):
        pieces += text[at : secret.start], _mark(text, secret)
        at = secret.end
    return "".join(pieces) + text[at:] if pieces else text


def _visible(text: str) -> Searchable:
    where = Searchable(text)
    if text.isascii() and not where.has_controls:
        return where
    plain = INVISIBLE.sub("", text)
    return where if plain == text else Searchable(plain)


def _mark(text: str, secret: Secret) -> str:
    return REDACTED[secret.mark] + "\n" * text.count("\n", secret.start, secret.end)
