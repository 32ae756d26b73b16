"""Finds secrets in source text: by their formats, their names and what surrounds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from starcoder_lsp.context.secrets.assignments import Form, Value, values
from starcoder_lsp.context.secrets.idioms import idioms
from starcoder_lsp.context.secrets.positional import positional
from starcoder_lsp.context.secrets.provider_formats import formats_in
from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.values import (
    Mark,
    is_placeholder,
    is_random,
    is_secret_setting,
    is_secret_value,
    looks_random,
)


class Secret(NamedTuple):
    """The text from `start` up to `end`; `mark` names its kind in `flow.REDACTED`."""

    start: int
    end: int
    mark: Mark


# From the end of a string to one that is added to it (inside brackets a sign is not
# needed) or to the next one of a list; from an item of a YAML list to the next item.
STRING = r"""\s{0,60}["'`](?P<text>[^"'`\\\r\n]{1,1024})(?=["'`])"""
ADDED = re.compile(r"""["'`][ \t]{0,8}(?:[+.&\\]|\.\.)""" + STRING)
ADDED_IN_BRACKETS = re.compile(r"""["'`][ \t]{0,8}[+.&\\]?""" + STRING)
LISTED = re.compile(r"""["'`][ \t]{0,8},""" + STRING)
NEXT_ITEM = re.compile(
    r"""[ \t]{0,8}\r?\n[ \t]{0,40}-[ \t]{1,8}"""
    r"""(?P<text>[^\s"'#:][^\r\n#:]{0,512})(?=\r?\n|\Z)"""
)
MAX_CONTINUED = 100
LONGEST_USER = 64
EMAIL_FROM_AT = re.compile(
    r"@(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}+)(?!\w|\.\w|[:/]\S)"
)
USER_BACKWARDS = re.compile(r"(?:[\w.+%-]{0,63}\w)?")
NOT_A_PERSON = ("", "git", "noreply")
NOT_A_HOST = re.compile(
    r"(?i:example|test|invalid|localhost|noreply|users\.noreply)|(?:png|jpe?g|gif|svg|webp|js|ts|css|py|so|service|local)\Z"
)


def secrets(where: Searchable, language: str = "") -> list[Secret]:
    """Return all secrets of a text in order, none inside another."""
    found = [*_by_format(where), *_by_name(where, language)]
    found += (Secret(*one) for one in idioms(where))
    found += (Secret(*one, "PASSWORD") for one in positional(where))
    if "@" in where.text:
        found.extend(_emails(where.text))
    found.sort(key=lambda secret: (secret.start, secret.mark == "EMAIL", -secret.end))
    return list(_apart(found))


def _by_format(where: Searchable) -> Iterator[Secret]:
    for one in formats_in(where):
        for span in one.spans(where.text):
            yield Secret(*span, one.mark)


def _by_name(where: Searchable, language: str) -> Iterator[Secret]:
    for value in values(where, language):
        if _is_secret(where.text[value.start : value.end], value):
            yield Secret(value.start, value.end, value.mark)
            yield from _continued(where.text, value)


def _continued(text: str, value: Value) -> Iterator[Secret]:
    """Yield the strings that are added to a secret, and the rest of a list of secrets."""
    end = value.end
    patterns = _patterns(text[max(value.start - 64, 0) : value.start], value.form)
    for _ in range(MAX_CONTINUED):
        matches = (pattern.match(text, end) for pattern in patterns)
        if (found := next(filter(None, matches), None)) is None:
            return
        end = found.end("text")
        if found.re not in (LISTED, NEXT_ITEM) or _is_secret(found["text"], value):
            yield Secret(found.start("text"), end, value.mark)


def _patterns(before: str, form: Form) -> Sequence[re.Pattern[str]]:
    """Return the ways in which a value may go on, by the text before it."""
    if form == "setting":
        return (NEXT_ITEM,) if before.endswith("- ") else ()
    if form != "quoted":
        return ()
    bracket = before.rstrip("\"'` \t\r\nbfru")[-1:]
    if bracket == "[":
        return (ADDED_IN_BRACKETS, LISTED)
    return (ADDED_IN_BRACKETS if bracket == "(" else ADDED,)


def _is_secret(written: str, value: Value) -> bool:
    is_password = value.mark == "PASSWORD"
    if not value.is_exact or value.form == "argument":
        return looks_random(written) and is_secret_value(
            written, is_password=is_password
        )
    if value.form == "open":
        is_said = is_placeholder(written) or not written.strip()
        return not is_said and (is_password or " " not in written)
    if value.form == "setting":
        return is_secret_setting(written, is_password=is_password)
    if value.form == "bare":
        return (
            is_random(written)
            and looks_random(written)
            and is_secret_value(written, is_password=False)
        )
    return is_secret_value(written, is_password=is_password)


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
