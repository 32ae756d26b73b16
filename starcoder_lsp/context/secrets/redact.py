"""What may enter a prompt: text without secrets, of other files also without tricks."""

from __future__ import annotations

import re
from functools import lru_cache

from starcoder_lsp.context.secrets.detect import Secret, secrets
from starcoder_lsp.flow import REDACTED

# Nobody sees these, but a model reads them: direction marks, joiners, tags, controls,
# and our own marks, which must not come from a file.
INVISIBLE = re.compile(
    "[\0-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff" + "".join(REDACTED.values()) + "]"
)

ASCII_CONTROLS = bytes(i for i in (*range(32), 127) if i not in b"\t\n\f\r")


def redact(text: str) -> str:
    """`text` with a mark of `flow.REDACTED` in the place of each secret.

    Lines keep their numbers.

    >>> from starcoder_lsp.flow import readable
    >>> readable(redact('password = "hunter2!"'))
    'password = "<PASSWORD>"'
    """
    return marked(without_tricks(text))


def marked(text: str) -> str:
    """As `redact`, and what nobody sees stays."""
    found = secrets(text)
    if not found:
        return text
    pieces: list[str] = []
    at = 0
    for secret in found:
        pieces += text[at : secret.start], _mark(text, secret)
        at = secret.end
    return "".join(pieces) + text[at:]


# A document's text above and below the cursor, with and without other files.
_remembered = lru_cache(maxsize=16)(marked)


def redact_typed(text: str) -> str:
    """As `marked`, of text that grows by a key at its end: only its last line is new."""
    at = text.rfind("\n") + 1
    return _remembered(text[:at]) + marked(text[at:])


def without_tricks(text: str) -> str:
    if text.isascii():
        plain = text.encode("ascii").translate(None, ASCII_CONTROLS)
        return text if len(plain) == len(text) else plain.decode("ascii")
    return INVISIBLE.sub("", text)


def _mark(text: str, secret: Secret) -> str:
    return REDACTED[secret.mark] + "\n" * text.count("\n", secret.start, secret.end)
