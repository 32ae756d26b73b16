"""Finds passwords by their places alone: arguments of functions and options of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.values import (
    SPACE,
    is_path,
    is_placeholder,
    is_secret_value,
)


@dataclass(frozen=True)
class Position:
    """A word in lower case, and the way from it to a password.

    `is_sure` is false where other things than passwords have the same place.
    """

    word: str
    way: str
    is_sure: bool = True

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text first has the word: compiling all takes 10 ms."""
        return re.compile(self.way)


# A user's name: a string, or the name of something.
USER = (
    r"""(?:[bf]?"[^"\r\n]{0,64}"|[bf]?'[^'\r\n]{0,64}'|[$@&]?[A-Za-z_][\w.>-]{0,64})"""
)
STRING = r"""[bf]?(?P<quote>["'])(?P<PASSWORD>[^"'\r\n]{4,128})(?P=quote)"""
# What may follow: a conversion such as `.toCharArray()`, another argument, the end.
NEXT = r"\s{0,40}[,.)]"
# After an option: a word, also as an element of a list or in quotes.
WORD = r"""["']?(?P<PASSWORD>[^\s"'`]{2,127}[^\s"'`;&|<>(),\]}])"""
TO_OPTION = r"[^\r\n;&|]{0,200}?[\s\"'\[]"
SEPARATOR = r"""(?:[ \t]{1,4}|["'],[ \t]{0,4}|=)"""


def _call(names: str, n_before: int = 1) -> str:
    """Return a pattern for a string behind `n_before` arguments of a function."""
    before = rf"(?:{USER},\s{{0,40}}){{{n_before}}}"
    return rf"(?:{names})[ ]{{0,2}}\(\s{{0,40}}{before}{STRING}{NEXT}"


def _option(program: str, option: str) -> str:
    return rf"(?<![\w.-]){program}\b{TO_OPTION}{option}{WORD}"


# After so many places of a word a text is hostile, and the rest is skipped.
MAX_PLACES = 1000
LOGIN = "(?i:log_?in)(?:_user|_as|User|As|s)?"
POSITIONS = (
    Position("login", _call(LOGIN)),
    Position("log_in", _call(LOGIN)),
    Position("logon", _call("(?i:logon)(?:_user|User)?")),
    Position("signin", _call("(?i:signin)")),
    Position("sign_in", _call("sign_in")),
    Position("credential", _call("(?i:credentials?)")),
    Position("connect", _call(r"(?i:connect)(?:ion)?", 2), is_sure=False),
    Position("mysqli", _call("mysqli", 2), is_sure=False),
    Position("pdo", _call("PDO", 2), is_sure=False),
    Position("create_user", _call("create_user", 2), is_sure=False),
    Position("mysql", _option("mysql(?:dump|admin|import|show|check)?", "-p")),
    Position("mariadb", _option("mariadb(?:-dump|-admin|-import)?", "-p")),
    Position("docker login", _option("docker login", "-p" + SEPARATOR)),
    Position("podman login", _option("podman login", "-p" + SEPARATOR)),
    Position("redis-cli", _option("redis-cli", "-a" + SEPARATOR)),
    Position("mongo", _option("mongo(?:sh|dump|restore|import|export)?", "-p" + SEPARATOR)),
    Position("sqlcmd", _option("sqlcmd", "-P" + SEPARATOR + "?")),
    Position("ldap", _option("ldap(?:search|modify|add|delete|passwd|whoami)", "-w" + SEPARATOR)),
    Position("mosquitto_", _option("mosquitto_(?:pub|sub)", "-P" + SEPARATOR)),
    Position("rabbitmqctl", _option("rabbitmqctl", r"(?:add_user|change_password)[ ]{1,4}\S{1,64}[ ]{1,4}")),
    Position("htpasswd", _option("htpasswd", r"-\w{0,4}b\w{0,4}[ ]{1,4}\S{1,128}[ ]{1,4}\S{1,64}[ ]{1,4}")),
    Position("smbclient", _option("smbclient", r"-U" + SEPARATOR + r"?[\w\\/.-]{1,64}%")),
    Position("unzip", _option("unzip", "-P" + SEPARATOR)),
    Position("7z", _option("7z[ar]?", "-p")),
    Position("pass:", rf"(?<=[\s\"'=])pass:{WORD}"),
)  # fmt: skip


def positional(
    where: Searchable, *, only_sure: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each password."""
    for position in POSITIONS:
        if position.is_sure or not only_sure:
            yield from _at(where, position)


def _at(where: Searchable, position: Position) -> Iterator[tuple[int, int]]:
    end = n_places = 0
    while (at := where.lower.find(position.word, end)) >= 0 and n_places < MAX_PLACES:
        n_places += 1
        end = at + len(position.word)
        found = position.pattern.match(where.text, at)
        if found and _is_password(found["PASSWORD"], is_sure=position.is_sure):
            yield found.span("PASSWORD")
            end = found.end("PASSWORD")


def _is_password(written: str, *, is_sure: bool) -> bool:
    if is_placeholder(written) or is_path(written) or SPACE.search(written):
        return False
    return is_sure or is_secret_value(written, is_password=True)
