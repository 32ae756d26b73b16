"""Finds the values that a text gives to the names of passwords and keys.

Every search starts at a name and looks ahead a bounded number of characters, so that no
text, however hostile, takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.secret_names import SecretName, secret_names
from starcoder_lsp.context.secrets.values import Mark
from starcoder_lsp.languages import language_id

Form = Literal["quoted", "open", "argument", "setting", "parameter", "bare"]


class Value(NamedTuple):
    """The value of a name, from `start` up to `end`; `is_exact` as in `SecretName`.

    Its form is one of
        quoted     `password = "..."`
        open       the same without the closing quote
        argument   quoted, but perhaps not assigned: `check(password, "...")`
        setting    the rest of a line in a configuration file, or a word in a shell
        parameter  `...;password=...;...` inside a string
        bare       anything else up to the end of the line
    """

    start: int
    end: int
    form: Form
    mark: Mark
    is_exact: bool


# From the end of a name to the quote that opens its value.
TO_QUOTE = re.compile(
    r"""
    \\{0,3}["'`]?\]?
    (?:
      [ \t]{0,4}+[,{]?\s{0,60}+(?:type\s{0,4}=\s{0,4}\w{1,16}\s{1,60})?["']?(?:[Vv]alue|VALUE|content|default)["']?[ \t]{0,4}[:=]
    | [ \t]{0,8}+\[\d{0,5}\][ \t]{0,8}=              # char password[] = "..."
    | [ \t]{0,8}+:[ \t]?[\w<>\[\], |?&*'.]{0,40}=    # password: string = "..."
    | [ \t]{1,8}+(?i:as[ \t]{1,4}+)?\w{1,24}+\??[ \t]{1,8}+=
    | [ \t]{0,16}+(?:[:!?+]?={1,3}(?:[ \t]{0,16}+\\?\r?\n(?=[ \t]))?|=>|->|<-|:)
    | \)?[ \t]{0,8}+(?:\|\|=?|\?\?=?|\bor\b)      # env.PASSWORD || "..."
    | (?P<comma>[ \t]{0,4}+,)
    | (?=\()
    | (?P<nothing>[ \t])
    )
    [ \t]{0,40}+(?:[(\[]\s{0,40}+){0,2}
    (?:(?:new[ ]{1,4})?[\w.:]{0,24}(?:[Ss]ecret|[Ss]tr|[Ss]tring|Some|[Bb]ytes|from)\w{0,12}\([ \t]{0,8})?
    [@$bfruBFRULN]{0,2}
    (?P<quote>\\{0,3}(?:\"{3}|'{3}|["'`]))
    """,
    re.VERBOSE,
)
# The beginning of a line on which a space alone separates a name and its quoted value.
SIDE_BY_SIDE = re.compile(
    r"#[ \t]{0,8}define[ \t]|\((?:setq|def\w*)[ \t]|\bset\w*[ \t(]|\bENV[ \t]"
    r"|(?i:\b(?:with|set|create|alter|identified|encrypted)\b)|:[\w.-]{1,48}[ \t]{1,8}\Z"
)
# A comma assigns in `f("name", "value")`, `["--name", "value"]` and `{name, "value"}`.
MEANS_ASSIGNMENT = re.compile(
    r"""(?:\([ \t]{0,4}["'`]|["']--?|\{:?)[\w.-]{0,48}["'`]?[ \t]{0,4},[ \t]{0,8}[bfru@]{0,2}\Z"""
)
LONGEST_LINE = 1024
# How much of a line before a name is looked at.
NEAR = 256
# A key of this length differs from an expression, whatever follows it.
LONG_KEY = 40
TEXT_TO = {
    mark: re.compile(rf"(?:[^{mark}\\\r\n]+|\\[^\r\n]){{0,{LONGEST_LINE}}}+")
    for mark in "\"'`"
}
ESCAPED_TEXT_TO = {
    mark: re.compile(rf"[^{mark}\\\r\n]{{0,{LONGEST_LINE}}}+") for mark in "\"'`"
}
# XML: from the name of an element, or from an attribute that names it, to its text; in
# a property list from a key to the string after it.
TO_ELEMENT = re.compile(
    r"""["']?(?:[ \t]{1,4}[\w:]{1,20}=["'][^"'<>]{0,40}["']){0,2}>\s{0,40}(?:<!\[CDATA\[\s{0,40})?"""
    r"""(?P<value>[^<>\s][^<>\r\n]{0,512}?)\s{0,40}(?:\]\]>\s{0,40})?</"""
    r"""|</key>\s{0,40}<string>(?P<listed>[^<>\r\n]{1,512})</string>"""
)
# A value that ends with its line, also on the next line: a block or the first of a list.
TO_SETTING = re.compile(
    r"""["']?\]?[ \t]{0,16}+(?:[:?+]?=|=>|:(?=[ \t\r\n]))[ \t]{0,32}+(?:[|>][+-]?\d?[ \t]{0,8}\r?\n[ \t]{1,40})?"""
    r"""(?:\r?\n[ \t]{0,40}-[ \t]{1,8}(?![\w-]+:\s))?(?P<value>[^\s"'`#][^\r\n;]{0,512}?)(?=[ \t]{0,32}(?:[\r\n;]|\Z|[ \t][#;]|,[ \t]|,?\s{0,4}\}))"""
    r"""|["']?,?\s{0,60}+["']?value["']?[ \t]{0,4}[:=][ \t]{0,16}"""
    r"""(?P<later>[^\s"'`#][^\r\n]{0,512}?)[ \t]{0,32}(?=[\r\n]|\Z|[ \t]\#)"""
)
# `${NAME:-default}`
TO_DEFAULT = re.compile(r""":[=-]?(?P<value>[^}\s"'$]{1,256})\}""")
TO_SHELL_WORD = re.compile(
    r"""(?:[ \t]{0,8}+[?+:]?=[ \t]{0,8}+|[ \t]{1,8}(?:-p[ \t]{0,4})?)(?P<value>[^\s"'`;&|<>(){}#,][^\s"'`;&|<>(){},]{0,512}+)(?=\s|[;&|)"'`]|\Z)"""
)
# The beginning of a line of a shell that assigns the word after a name to it.
SETS_WORD = re.compile(
    r"(?:.*--[\w-]{0,32}|[ \t]{0,40}(?:ENV|setx?|setenv|machine\b.{0,200}|.{0,80}\blogin[ \t]+\S+"
    r"|requirepass|masterauth)[ \t].{0,40}|.*(?i:ssh))\Z"
)
TO_BARE = re.compile(
    r"""\\{0,3}["'`]?\]?(?P<operator>[ \t]{0,16}+(?:[:?+]?=|=>|:)[ \t]{0,16}+)"""
    r"""(?P<value>[^\s"'`<>()\[\]{};,&|\\]{1,256}+)(?P<end>[ \t]{0,16}(?:[\r\n#;]|//|\Z))?"""
)
# Language ids, also of languages that we know nothing else about.
FILES_OF_SETTINGS = frozenset((
    "yaml", "dockercompose", "helm", "ansible", "properties", "java-properties", "spring-boot-properties",
    "spring-boot-properties-yaml", "ini", "toml", "dotenv", "env", "conf", "config", "nginx", "apacheconf",
    "hocon", "editorconfig", "systemd", "ssh_config", "gitconfig", "desktop", "kdl", "ron", "puppet",
))  # fmt: skip
SHELLS = frozenset((
    "shellscript", "fish", "bat", "powershell", "dockerfile", "makefile", "just", "netrc", "redis",
))  # fmt: skip
PROSE = frozenset(("plaintext", "markdown", "restructuredtext", "org", "latex"))
# A line of prose that is nothing but a setting.
IS_SETTING = re.compile(r"[\s>*$`-]{0,8}(?:export[ \t]{1,4})?[\w. -]{0,40}\Z")


def values(where: Searchable, language: str) -> Iterator[Value]:
    """Yield the value that each name of a secret is set to."""
    language, value = language_id(language), None
    for name in secret_names(where):
        if value is not None and value.start <= name.start < value.end:
            continue
        if (value := _value_of(where.text, name, language)) is not None:
            yield value


def _value_of(text: str, name: SecretName, language: str) -> Value | None:
    if found := TO_QUOTE.match(text, name.end):
        return _quoted(text, name, found)
    next_one = text[name.end]
    if next_one in "\">'<" and (found := TO_ELEMENT.match(text, name.end)):
        is_value = next_one != ">" or _is_in_tag(text, name.start)
        return _last_group(found, "quoted", name) if is_value else None
    return _unquoted(text, name, language)


def _last_group(found: re.Match[str], form: Form, name: SecretName) -> Value:
    assert found.lastgroup is not None
    return Value(*found.span(found.lastgroup), form, name.mark, name.is_exact)


def _is_in_tag(text: str, at: int) -> bool:
    """Return whether the tag around this place opens an element."""
    start = text.rfind("<", max(at - 64, 0), at)
    return start >= 0 and text[start : start + 2] != "</"


def _line_before(text: str, at: int) -> str:
    """Return the part of a line before `at`, up to `NEAR` characters."""
    start = max(at - NEAR, 0)
    return text[max(text.rfind("\n", start, at) + 1, start) : at]


def _quoted(text: str, name: SecretName, found: re.Match[str]) -> Value | None:
    quote, start = found["quote"], found.end()
    is_escaped = quote[0] == "\\"
    line = _line_before(text, found.start("quote"))
    if found["nothing"] and not SIDE_BY_SIDE.search(line):
        return None
    if not is_escaped and _closes(line, quote[-1]):
        return None
    # Parsers compare tokens with words.
    is_exact = name.is_exact and not (name.mark == "KEY" and "==" in found[0])
    is_argument = found["comma"] and not MEANS_ASSIGNMENT.search(line)
    inside = (ESCAPED_TEXT_TO if is_escaped else TEXT_TO)[quote[-1]].match(text, start)
    end = inside.end() if inside else start
    if text.startswith(quote, end):
        form: Form = "argument" if is_argument else "quoted"
    elif is_argument or len(quote) > 1:
        return None
    else:
        form = "open"
    return Value(start, end, form, name.mark, is_exact)


def _closes(before: str, quote: str) -> bool:
    """Return whether a quote that follows `before` closes a string of the same line."""
    return (before.count(quote) - before.count("\\" + quote)) % 2 == 1


def _unquoted(text: str, name: SecretName, language: str) -> Value | None:
    line = _line_before(text, name.start)
    if "${" in line and (found := TO_DEFAULT.match(text, name.end)):
        return _last_group(found, "setting", name)
    if language in FILES_OF_SETTINGS and (found := TO_SETTING.match(text, name.end)):
        return _last_group(found, "setting", name)
    if language in SHELLS and (found := TO_SHELL_WORD.match(text, name.end)):
        is_set = "=" in text[name.end : found.start("value")] or SETS_WORD.match(line)
        return _last_group(found, "setting", name) if is_set else None
    is_prose = language in PROSE and IS_SETTING.match(line)
    if is_prose and (found := TO_SETTING.match(text, name.end)):
        form: Form = "setting" if text[name.end] == "=" else "parameter"
        return _last_group(found, form, name)
    return _bare(text, name, line)


def _bare(text: str, name: SecretName, line: str) -> Value | None:
    found = TO_BARE.match(text, name.end)
    if found is None:
        return None
    is_inside = line.count('"') % 2 or line.count("'") % 2
    if is_inside and len(found["operator"]) <= len(": "):
        if ":" in found["operator"] and found["value"].isalpha():
            return None  # a sentence about it
        return Value(*found.span("value"), "parameter", name.mark, name.is_exact)
    if found["end"] is None and len(found["value"]) < LONG_KEY:
        return None
    return Value(*found.span("value"), "bare", name.mark, name.is_exact)
