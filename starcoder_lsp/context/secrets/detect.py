"""Finds credentials in source text: by their providers' formats, and by what they are called.

Every search starts from a fixed word and looks ahead a bounded number of characters, so
that no text, however hostile, takes long.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from starcoder_lsp.context.secrets.provider_formats import formats_in


class Secret(NamedTuple):
    """What stands from `start` up to `end`; `mark` is KEY, PASSWORD or EMAIL."""

    start: int
    end: int
    mark: str


# The name of a secret; what usually follows the word in it is in `ASSIGNED`. A key is
# one only where the word before says so.
NAMES = {
    "password": "PASSWORD", "passwd": "PASSWORD", "passphrase": "PASSWORD",
    "pwd": "PASSWORD", "secret": "KEY", "token": "KEY", "key": "KEY",
    "credential": "KEY", "connectionstring": "KEY",
}  # fmt: skip
SECRET_KEY = re.compile(
    "(?:api|access|account|auth|encryption|private|secret|signing)[_-]?\\Z"
)
LONGEST_WORD_BEFORE = 11
VALUE = (
    r"""["'`\]]{0,2}[ \t]{0,16}(?::[\w<>\[\], |?&*]{0,32}=|:=|=>|=|:|,)[ \t]{0,16}"""
    r"""(?:[bfru]{0,2}(?P<quote>["'`])(?P<text>[^"'`\s]{6,256})(?P=quote)"""
    r"""|(?P<bare>[\w+/~.!@#%^&*-]{8,128}+={0,2})[ \t]{0,16}+(?=[\r\n#;]|\Z))"""
)
ASSIGNED = re.compile(
    r"(?i:(?:[_-]?(?:access|admin|api|base64|hash|key|live|prod|production|root|test|user|value|\d))){0,3}s?"
    + VALUE
)
# With any other end of the name the value itself has to look like nothing but a secret.
ASSIGNED_SOMEHOW = re.compile(r"[\w-]{1,32}+" + VALUE)
NOT_SAID = re.compile(
    r"\$|\{|<|%|\*\*\*|\.\.\.|xxx|example|change|placeholder|your|dummy|sample|redacted"
    r"|pass(?:word|phrase)|secret|token|test|null|none|true|false|[/\\]",
    re.IGNORECASE,
)
# Names with digits, places in other objects, versions and numbers are code, not secrets.
IS_CODE = re.compile(
    r"[A-Za-z_][\w-]*(?:\.[\w-]+)+|[A-Z_]+\d?|[a-z]+(?:[_-][a-z\d]+)+|[\d.]+"
)
IS_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MIN_ENTROPY_BITS = 3.0
MIN_KEY_CHARACTERS = 16
PUNCTUATION = "punctuation"
MIN_KINDS, MIN_CHANGES = 3, 0.35

LONGEST_USER = 64
EMAIL_FROM_AT = re.compile(
    r"@(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}+)(?!\w|\.\w|[:/]\S)"
)
USER_BACKWARDS = re.compile(r"(?:[\w.+%-]{0,63}\w)?")
NOT_A_PERSON = ("", "git", "noreply")
NOT_A_HOST = re.compile(
    r"(?i:example|test|invalid|localhost|noreply|users\.noreply)|(?:png|jpe?g|gif|svg|webp|js|ts|css|py|so|service|local)\Z"
)


def secrets(text: str) -> list[Secret]:
    """All of them in order, none inside of another."""
    lower = _lower(text)
    found = [*_by_format(text), *_by_name(text, lower)]
    if "@" in text:
        found.extend(_emails(text))
    found.sort(key=lambda secret: (secret.start, secret.mark == "EMAIL", -secret.end))
    return list(_apart(found))


def _lower(text: str) -> str:
    """In lower case with every character at its place; this one would become two."""
    return text.replace("İ", "i").lower()


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _by_format(text: str) -> Iterator[Secret]:
    for one in formats_in(text):
        for match in one.pattern.finditer(text):
            yield Secret(*match.span(one.group), one.mark)


def _by_name(text: str, lower: str) -> Iterator[Secret]:
    for name, mark in NAMES.items():
        searched_to = 0
        for at in _places(lower, name):
            if at < searched_to or (name == "key" and not _is_secret_key(lower, at)):
                continue
            if found := _assigned(text, at + len(name)):
                searched_to = found.end()
                group = "text" if found["text"] else "bare"
                if _is_secret(found[group], mark, is_bare=group == "bare"):
                    yield Secret(*found.span(group), mark)


def _assigned(text: str, at: int) -> re.Match[str] | None:
    """What the name that goes on at this place is set to."""
    if found := ASSIGNED.match(text, at):
        return found
    found = ASSIGNED_SOMEHOW.match(text, at)
    return found if found and _looks_random(found["text"] or found["bare"]) else None


def _is_secret_key(lower: str, at: int) -> bool:
    return SECRET_KEY.search(lower, max(at - LONGEST_WORD_BEFORE, 0), at) is not None


def _is_secret(value: str, mark: str, *, is_bare: bool) -> bool:
    """Whether a value is random enough to be worth hiding."""
    if NOT_SAID.search(value) or IS_CODE.fullmatch(value) or IS_UUID.fullmatch(value):
        return False
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    if mark == "PASSWORD" and not is_bare:
        return has_letter and (has_digit or not value.isalnum())
    is_long = len(value) >= MIN_KEY_CHARACTERS
    return is_long and has_digit and has_letter and _entropy(value) >= MIN_ENTROPY_BITS


def _looks_random(value: str) -> bool:
    """Whether kinds of characters change as in no word or name.

    >>> _looks_random("hunter2!"), _looks_random("BCrypt10Encoder")
    (True, False)
    """
    kinds = [_kind(character) for character in value if character not in "-_."]
    n_changes = sum(one != other for one, other in pairwise(kinds))
    is_mixed = PUNCTUATION in kinds or n_changes > len(kinds) * MIN_CHANGES
    return is_mixed and len(set(kinds)) >= MIN_KINDS


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if not character.isalpha():
        return PUNCTUATION
    return "upper" if character.isupper() else "lower"


def _entropy(text: str) -> float:
    """Bits per character, from how often each occurs.

    >>> _entropy("aaaa"), _entropy("abcd")
    (-0.0, 2.0)
    """
    shares = (count / len(text) for count in Counter(text).values())
    return -sum(share * math.log2(share) for share in shares)


def _emails(text: str) -> Iterator[Secret]:
    for found in EMAIL_FROM_AT.finditer(text):
        before = text[max(found.start() - LONGEST_USER, 0) : found.start()]
        user = USER_BACKWARDS.match(before[::-1])
        assert user is not None
        name = user[0][::-1]
        if name in NOT_A_PERSON or NOT_A_HOST.search(found["host"]):
            continue
        yield Secret(found.start() - len(name), found.end(), "EMAIL")


def _apart(found: list[Secret]) -> Iterator[Secret]:
    end = 0
    for secret in found:
        if secret.start >= end:
            yield secret
            end = secret.end
