"""Adds the lines of a template to a text that a user has written.

The text keeps what the user has written, except for values of the keys in a JSON template.
Where that is not certain, ConfigError says what to write by hand.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from starcoder_lsp.cli.setup.templates import Template
from starcoder_lsp.errors import ConfigError

BEGIN, END = "starcoder-lsp setup: begin", "starcoder-lsp setup: end"


def merged(template: Template, before: str) -> str:
    """Return `before` with the template's lines; the same text if it has them already."""
    return FORMS[template.form](template, before)


def _own_file(template: Template, before: str) -> str:
    """Return the template's text. A backup holds what the user may have changed."""
    return template.text


def _block(template: Template, before: str) -> str:
    """Return `before` with the lines between two marks, in place of an older block."""
    marks = [f"{template.comment} {mark}" for mark in (BEGIN, END)]
    block = f"{marks[0]}\n{template.text}{marks[1]}\n"
    older = re.compile(
        re.escape(marks[0]) + r"\n.*?" + re.escape(marks[1]) + r"\n", re.S
    )
    if older.search(before):
        return older.sub(lambda _: block, before, count=1)
    return _appended(before, block)


def _json(template: Template, before: str) -> str:
    """Return `before` with the template's keys; other keys stay as they are."""
    try:
        settings = json.loads(before) if before.strip() else {}
    except ValueError as exc:
        raise _by_hand(template, "it has comments, or is not JSON") from exc
    if not isinstance(settings, dict):
        raise _by_hand(template, "it holds no object")
    together = _with_settings(settings, json.loads(template.text))
    if together == settings:
        return before
    return json.dumps(together, indent=_indent_of(before), ensure_ascii=False) + "\n"


def _with_settings(users: Any, ours: Any) -> Any:
    """Return the user's JSON value with ours in it.

    Objects are merged, lists get the members that they lack, and other values are ours.
    """
    if isinstance(users, dict) and isinstance(ours, dict):
        both = {
            key: _with_settings(users[key], ours[key]) for key in users.keys() & ours
        }
        return {**users, **ours, **both}
    if isinstance(users, list) and isinstance(ours, list):
        return [*users, *(member for member in ours if member not in users)]
    return ours


def _indent_of(text: str) -> int | str:
    found = re.search(r"^([ \t]+)\S", text, re.M)
    return found[1] if found else 2


def _toml(template: Template, before: str) -> str:
    """Return `before` with the server, and with its entry in each language's list."""
    after = before
    given, wanted = _toml_of(template, before), tomllib.loads(template.text)
    tables = re.split(r"(?m)^(?=\[)", template.text)
    has_server = _has_server(template, given, wanted)
    for table in filter(str.strip, tables):
        name = re.search(r'^name = "(.*)"', table, re.M)
        if name is None:
            after = after if has_server else _appended(after, table.strip() + "\n")
        elif name[1] in _languages(given):
            after = _with_entry(template, after, name[1])
        else:
            after = _appended(after, table.strip() + "\n")
    _toml_of(template, after)
    return after


def _has_server(
    template: Template, given: Mapping[str, Any], wanted: Mapping[str, Any]
) -> bool:
    ((name, server),) = wanted["language-server"].items()
    known = given.get("language-server", {}).get(name)
    if known is not None and known.get("command") != server["command"]:
        raise _by_hand(template, f"its server {name} has another command")
    return known is not None


def _toml_of(template: Template, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as exc:
        raise _by_hand(template, f"it is not TOML ({exc})") from exc


def _languages(settings: Mapping[str, Any]) -> list[str]:
    return [one.get("name", "") for one in settings.get("language", [])]


def _with_entry(template: Template, text: str, language: str) -> str:
    """Put the template's entry first into the list of servers of a language."""
    blocks = re.split(r"(?m)^(?=\[)", text)
    for index, block in enumerate(blocks):
        if not re.search(rf'(?m)^name\s*=\s*"{re.escape(language)}"', block):
            continue
        if re.search(r'"starcoder"', block):
            return text
        begins = re.compile(r"(?m)^(language-servers\s*=\s*\[)\s*")
        if not begins.search(block):
            raise _by_hand(template, f"the language {language} names no servers")
        blocks[index] = begins.sub(
            lambda found: f"{found[1]}{template.entry}, ", block, count=1
        )
        return "".join(blocks)
    raise _by_hand(template, f"the language {language} is written in another way")


def _appended(before: str, lines: str) -> str:
    if not before.strip():
        return lines
    return before.rstrip("\n") + "\n\n" + lines


def _by_hand(template: Template, why: str) -> ConfigError:
    return ConfigError(
        f"the file of {template.name} is left as it is, since {why}; "
        f"`starcoder-lsp setup` without --write prints the lines to add by hand"
    )


FORMS: Mapping[str, Callable[[Template, str], str]] = {
    "own file": _own_file,
    "block": _block,
    "json": _json,
    "toml": _toml,
}
