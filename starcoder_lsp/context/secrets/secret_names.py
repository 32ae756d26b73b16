"""Finds the names of passwords and keys in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.values import Mark


class SecretName(NamedTuple):
    """A name that ends at `end`; the word that makes it a secret's name begins at `start`.

    It `is_exact` if it ends with that word or with a usual addition to it, as
    `db_password_prod` does and `password_for_tests` does not.
    """

    start: int
    end: int
    mark: Mark
    is_exact: bool


class Word(NamedTuple):
    """A word of secrets' names by its first letters, and a pattern for all of it."""

    letters: str
    mark: Mark
    whole: re.Pattern[str] | None = None


# "pass" and "pw" alone mean a password only as a part of their own, or after these.
OWNERS = (
    "db my sql user admin root smtp mail ftp login http proxy ldap rpc bind key store"
)
AFTER_OWNER = "|".join(f"(?<=(?i:{owner}))" for owner in OWNERS.split())
WORDS = (
    Word("pass", "PASSWORD", re.compile(
        r"(?i:pass(?:word|wd|phrase|code|wort)|(?<=ssh)pass(?= -p))"
        r"|(?:(?<![A-Za-z])(?:pass|PASS|Pass)|(?<=[a-z\d])Pass"
        rf"|(?:{AFTER_OWNER})(?i:pass))(?![a-zA-Z])"
    )),
    Word("pw", "PASSWORD", re.compile(
        r"(?i:pwd)|(?:(?<![A-Za-z])(?:pw|PW|Pw)|(?<=[a-z\d])P[wW])(?![a-zA-Z])"
    )),
    Word("secret", "KEY"),
    Word("token", "KEY"),
    Word("key", "KEY"),
    Word("credential", "KEY"),
)  # fmt: skip
N_SHORT = len("pass")
# A key is a secret only where the word before says so.
BEFORE_KEY = tuple(["api", "access", "account", "auth", "encryption", "private", "secret", "signing", "master", "storage", "shared", "consumer", "crypt", "aes", "des", "hmac", "jwt", "session", "cookie", "license", "licence", "subscription", "deploy", "webhook", "preshared", "instrumentation", "service", "client"])  # fmt: skip
BEFORE_KEY_ENDS = frozenset(one[-3:] for one in BEFORE_KEY)
LONGEST_BEFORE_KEY = max(map(len, BEFORE_KEY))
# The rest of a name: a usual addition or nothing, or anything else.
NAME_END = re.compile(
    r"(?P<usual>(?i:[_-]?(?:access|admin|api|base64|b64|hash|key|live|main|master|prod"
    r"|production|root|test|dev|staging|user|value|string|str|text|plain|raw|default"
    r"|\d{1,4})){0,3}s?(?![\w-]))"
    r"|(?:[_-]?\w){1,32}+"
)
# Names that end so describe a secret and do not hold it.
IS_ABOUT = tuple(["type", "expiry", "expire", "expiration", "url", "uri", "endpoint", "id", "name", "path", "file", "length", "size", "count", "regex", "pattern", "label", "hint", "help", "placeholder", "message", "error", "field", "policy", "reset", "prefix", "format", "scheme", "header", "param", "parameter"])  # fmt: skip
MAY_FOLLOW = frozenset("\"'`]\\=:!?+-<>,|([{) \t\r\n")
# After this many names in one line the rest of it is skipped: no person wrote it.
MAX_NAMES = 1000


def secret_names(where: Searchable) -> Iterator[SecretName]:
    """Yield all names of secrets, one word after the other."""
    for word in WORDS:
        yield from _with_word(where.text, where.lower, word)


def _with_word(text: str, lower: str, word: Word) -> list[SecretName]:
    found: list[SecretName] = []
    end = n_seen = seen_from = 0
    while (at := lower.find(word.letters, end)) >= 0:
        end = at + len(word.letters)
        if word.letters == "key" and not _is_secret_key(lower, at):
            continue
        if (name := _name_at(text, at, word)) is not None:
            found.append(name)
        n_seen += 1
        if n_seen % MAX_NAMES == 0:
            line_end = text.find("\n", seen_from)
            seen_from = end = max(end, line_end if line_end >= 0 else len(text))
    return found


def _is_secret_key(lower: str, at: int) -> bool:
    end = at - 1 if lower[at - 1 : at] in ("_", "-", " ", ".") else at
    return lower[end - 3 : end] in BEFORE_KEY_ENDS and lower.endswith(
        BEFORE_KEY, max(end - LONGEST_BEFORE_KEY, 0), end
    )


def _name_at(text: str, at: int, word: Word) -> SecretName | None:
    word_end = at + len(word.letters)
    if word.whole is not None:
        if (found := word.whole.match(text, at)) is None:
            return None
        word_end = found.end()
    rest = NAME_END.match(text, word_end)
    if rest is None or text[rest.end() : rest.end() + 1] not in MAY_FOLLOW:
        return None
    is_exact = rest["usual"] is not None
    is_short = word.mark == "PASSWORD" and word_end - at <= N_SHORT
    if not is_exact and (is_short or _is_about(rest[0])):
        return None
    return SecretName(at, rest.end(), word.mark, is_exact)


def _is_about(name_end: str) -> bool:
    """Return whether a name with this end only describes a secret.

    >>> _is_about("_expiry"), _is_about("ForUsers")
    (True, False)
    """
    return name_end.lower().removesuffix("s").endswith(IS_ABOUT)
