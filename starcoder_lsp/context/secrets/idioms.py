"""Finds secrets that no name introduces: headers, SQL, manifests, wallets.

Functions that log in and options of programs are in `positional.py`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.values import (
    MIN_DIFFERENT,
    Mark,
    is_placeholder,
    is_secret_value,
)


class Idiom(NamedTuple):
    """A word in lower case, and what stands behind it.

    The secret is the last group: a PASSWORD, a KEY, one that is SENT with its scheme, or
    a PAIR of a user and a password in base64.
    """

    word: str
    pattern: re.Pattern[str]


SCHEME = "(?:(?i:basic|token|digest|apikey|ssws|negotiate)[ ]{1,4})"
TOKEN = r"[\w.~+/-]{10,2000}={0,2}"
QUOTED = r"""(?:"[^"\r\n]{0,64}"|'[^'\r\n]{0,64}'|[A-Za-z_][\w.]{0,64})"""
# From curl's option to the password in it.
CURL_USER = r"""(?:-u|--user|--proxy-user)[ =]?["']?[\w.@+-]{1,64}:"""
IDIOMS = (
    Idiom("bearer", re.compile(r"(?i:bearer)[ ]{1,4}(?P<KEY>[\w.~+/-]{16,2000}={0,2})")),
    Idiom("auth", re.compile(
        r"""(?i:auth(?:orization|_basic|token)?)\\?["']?\]?[ \t]{0,8}[:=,][ \t]{0,8}"""
        r"""(?:(?P<PAIR>[A-Za-z0-9+/]{10,2000}+={0,2})(?![\w.(])"""
        rf"""|\\?[bf]?["']{SCHEME}?(?P<KEY>{TOKEN})|{SCHEME}(?P<SENT>{TOKEN}))"""
        rf"""|(?<![A-Za-z])(?i:auth)\w{{0,16}}[ ]{{0,2}}=?[ ]{{0,2}}\([ ]{{0,2}}{QUOTED},[ ]{{0,4}}"""
        r"""["'](?P<PASSWORD>[^"'\r\n]{4,128})["']"""
    )),
    Idiom("curl", re.compile(
        rf"""(?i:curl) (?:(?!curl )[^\r\n]|\\\r?\n){{0,300}}?{CURL_USER}"""
        r"""(?P<PASSWORD>[^\s"']{4,128})"""
    )),
    Idiom("identified", re.compile(
        r"""(?i:identified by )(?i:password )?["'](?P<PASSWORD>[^"'\r\n;]{3,127}[^"'\s;])["']"""
    )),
)  # fmt: skip
MANIFEST = "kind: secret"
MANIFEST_DATA = re.compile(
    r"^(?:data|stringData):[ \t]*\r?\n((?:[ \t]+[^\n]*(?:\n|\Z)){1,500})", re.M
)
# A manifest has one block of each kind.
MAX_DATA = 8
MANIFEST_VALUE = re.compile(
    r"""^[ \t]+[\w.-]+:[ \t]*(?:[|>][+-]?[ \t]*\r?\n[ \t]+)?["']?([^\s"'|>#{][^\r\n"']*)""",
    re.M,
)

# The words of a wallet, as BIP-39 writes them: 12 to 24 of three to eight letters. Its
# list has none of the words that almost every sentence of that length has.
# https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki
MNEMONIC = re.compile(
    r"""["'`=:][ ]?(?P<words>(?:[a-z]{3,8} ){11}(?:[a-z]{3,8} ){0,12}[a-z]{3,8})(?=["'`\s]|\Z)"""
)
N_WORDS = frozenset((12, 15, 18, 21, 24))
OF_SENTENCES = frozenset((
    "the", "and", "for", "are", "was", "with", "from", "have", "has", "not", "but", "its",
))  # fmt: skip


def idioms(where: Searchable) -> Iterator[tuple[int, int, Mark]]:
    """Yield start, end and mark of each secret."""
    for idiom in IDIOMS:
        yield from _with_idiom(where.text, where.lower, idiom)
    if MANIFEST in where.lower:
        yield from _manifests(where.text)
    for found in MNEMONIC.finditer(where.text):
        words = found["words"].split(" ")
        if len(words) in N_WORDS and OF_SENTENCES.isdisjoint(words):
            yield *found.span("words"), "KEY"


def _with_idiom(text: str, lower: str, idiom: Idiom) -> Iterator[tuple[int, int, Mark]]:
    end = 0
    while (at := lower.find(idiom.word, end)) >= 0:
        end = at + len(idiom.word)
        if (found := idiom.pattern.match(text, at)) is None:
            continue
        kind = found.lastgroup or ""
        start, end = found.span(kind)
        if _is_secret(text[start:end], kind):
            yield start, end, "PASSWORD" if kind == "PASSWORD" else "KEY"


def _manifests(text: str) -> Iterator[tuple[int, int, Mark]]:
    """Yield every value of Kubernetes' secrets, whatever its name."""
    start = 0
    for document in re.split(r"^(?=---)", text, flags=re.M):
        if MANIFEST in document.lower():
            for data in islice(MANIFEST_DATA.finditer(document), MAX_DATA):
                for value in MANIFEST_VALUE.finditer(document, *data.span(1)):
                    if not is_placeholder(value[1]):
                        yield start + value.start(1), start + value.end(1), "KEY"
        start += len(document)


def _is_secret(written: str, kind: str) -> bool:
    if kind == "PASSWORD":
        return not is_placeholder(written)
    if len(set(written)) < MIN_DIFFERENT:
        return False
    if kind != "PAIR" and is_secret_value(written, is_password=False):
        return True
    return _is_user_and_password(written)


def _is_user_and_password(written: str) -> bool:
    """Return whether this is `user:password` in base64, as `Basic` authentication has it.

    >>> _is_user_and_password("bWU6aHVudGVyMg=="), _is_user_and_password("credentials")
    (True, False)
    """
    try:
        user, colon, password = (
            base64.b64decode(written, validate=True).decode().partition(":")
        )
    except ValueError:
        return False
    return bool(colon and user.isprintable() and password.isprintable())
