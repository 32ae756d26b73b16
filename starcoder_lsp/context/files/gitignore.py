r"""Matches patterns of ignore files exactly as git does, one directory entry at a time.

A walk asks about each directory before it enters it. Libraries answer for whole paths,
where `build/` also means everything below; a stronger rule could not bring back the
directory without its files. Names are bytes, as git compares them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

MAX_WILDCARDS = 2000
WILD = re.compile(rb"[*?\[\\]")
# Where the system ignores the case of file names, rules have to ignore it as well.
CASE = re.IGNORECASE if sys.platform == "darwin" else re.NOFLAG
CLASSES = {
    b"alnum": rb"0-9A-Za-z", b"alpha": rb"A-Za-z", b"blank": rb" \t", b"digit": rb"0-9",
    b"cntrl": rb"\x00-\x1f\x7f", b"graph": rb"!-~", b"lower": rb"a-z", b"upper": rb"A-Z",
    b"print": rb" -~", b"punct": rb"!-/:-@\[-`{-~", b"space": rb"\s", b"xdigit": rb"0-9A-Fa-f",
}  # fmt: skip
NEVER = rb"(?!)"


class TooManyPatterns(Exception):
    """The ignore file has so many wildcards that it is an attack or a mistake."""


@dataclass
class Run:
    """Adjacent patterns that all exclude, or all include again."""

    includes: bool
    names: set[bytes] = field(default_factory=set)
    paths: set[bytes] = field(default_factory=set)
    name_matches: re.Pattern[bytes] | None = None
    path_matches: re.Pattern[bytes] | None = None

    def holds(self, name: bytes, path: bytes) -> bool:
        """Return whether one of them matches; directories end with a slash."""
        if name in self.names or path in self.paths:
            return True
        by_name, by_path = self.name_matches, self.path_matches
        return bool(
            (by_name and by_name.match(name)) or (by_path and by_path.match(path))
        )


class Patterns:
    """The patterns of one ignore file."""

    def __init__(self, content: bytes) -> None:
        """Raises TooManyPatterns."""
        self._content = content
        parsed = list(_parse(content.removeprefix(b"\xef\xbb\xbf")))
        if sum(1 for one in parsed if one.wild) > MAX_WILDCARDS:
            raise TooManyPatterns
        runs = groupby(parsed, key=lambda one: one.includes)
        self._runs = [_run(includes, list(group)) for includes, group in runs]
        self._runs.reverse()

    def __bool__(self) -> bool:
        return bool(self._runs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Patterns) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def decide(self, name: bytes, path: bytes) -> bool | None:
        r"""Return True for ignored, False for included again, None without a match.

        `path` is relative to the directory of the ignore file. For a directory, both
        `name` and `path` end with a slash.

        >>> Patterns(b"*.log\n!keep.log").decide(b"keep.log", b"a/keep.log")
        False
        """
        if CASE:
            name, path = name.lower(), path.lower()
        for run in self._runs:
            if run.holds(name, path):
                return not run.includes
        return None


@dataclass(frozen=True)
class _Pattern:
    text: bytes
    includes: bool
    only_directories: bool
    anchored: bool
    wild: bool


def _parse(content: bytes) -> Iterator[_Pattern]:
    for raw in content.split(b"\n"):
        if raw.startswith(b"#"):
            continue
        line = _without_trailing_spaces(raw.removesuffix(b"\r"))
        includes = line.startswith(b"!")
        text = line[1:] if includes else line
        only_directories = text.endswith(b"/")
        text = text.removesuffix(b"/")
        anchored = b"/" in text
        text = text.removeprefix(b"/")
        if text:
            wild = WILD.search(text) is not None
            yield _Pattern(text, includes, only_directories, anchored, wild)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Cut spaces at the end, except one that a backslash protects."""
    stripped = line.rstrip(b" ")
    n_backslashes = len(stripped) - len(stripped.rstrip(b"\\"))
    if len(stripped) < len(line) and n_backslashes % 2:
        return stripped + b" "
    return stripped


def _run(includes: bool, patterns: list[_Pattern]) -> Run:
    run = Run(includes)
    wild: dict[bool, list[bytes]] = {True: [], False: []}
    for one in patterns:
        if one.wild:
            # `a/*` means entries of `a/`, not an entry without a name.
            end = rb"(?<!/)/" if one.only_directories else rb"(?<!/)/?"
            wild[one.anchored].append(_regex(one.text, one.anchored) + end)
            continue
        literals = run.paths if one.anchored else run.names
        text = one.text.lower() if CASE else one.text
        literals.update([text + b"/"] if one.only_directories else [text, text + b"/"])
    run.name_matches = _any_of(wild[False])
    run.path_matches = _any_of(wild[True])
    return run


def _any_of(regexes: list[bytes]) -> re.Pattern[bytes] | None:
    if not regexes:
        return None
    return re.compile(rb"(?s:" + b"|".join(regexes) + rb")\Z", CASE)


STARS = re.compile(rb"\*+")
STAR, DIRECTORIES, REST = rb"[^/]*", rb"(?:.*/)?", rb".*"


def _regex(glob: bytes, anchored: bool) -> bytes:
    """Translate what git's wildmatch accepts; stars of a bare name never meet a slash."""
    # git compares the text before the first wildcard separately, and then treats two
    # stars there as the start of a pattern.
    first_wild = WILD.search(glob)
    start = first_wild.start() if first_wild else 0
    parts, at = [re.escape(glob[:start])], start
    while at < len(glob):
        character = glob[at : at + 1]
        if character == b"*":
            part, at = _stars(glob, at, start, anchored)
        elif character == b"?":
            part, at = b"[^/]", at + 1
        elif character == b"[":
            part, at = _bracket(glob, at)
        elif character == b"\\":
            part, at = re.escape(glob[at + 1 : at + 2]) or NEVER, at + 2
        else:
            part, at = re.escape(character), at + 1
        parts.append(part)
    return _decided(parts)


def _decided(parts: list[bytes]) -> bytes:
    """Join the parts to one expression that backtracks only in the last ones.

    Matching as early as possible leaves the most to what follows, so that backtracking
    would find nothing more; with ten stars it would take for ever.
    """
    first, *others = _split(parts, DIRECTORIES)
    if not others:
        return _decided_stars(first, is_last=True)
    *others, last = others
    between = [b"(?>(?:.*?/)??%s)" % _decided_stars(one) for one in others]
    end = DIRECTORIES + _decided_stars(last, is_last=True)
    return _decided_stars(first) + b"".join(between) + end


def _decided_stars(parts: list[bytes], *, is_last: bool = False) -> bytes:
    first, *others = (b"".join(one) for one in _split(parts, STAR))
    last = STAR + others.pop() if is_last and others else b""
    return first + b"".join(b"(?>[^/]*?%s)" % one for one in others) + last


def _split(parts: list[bytes], at: bytes) -> list[list[bytes]]:
    pieces: list[list[bytes]] = [[]]
    for part in parts:
        if part == at:
            pieces.append([])
        else:
            pieces[-1].append(part)
    return pieces


def _stars(glob: bytes, at: int, start: int, anchored: bool) -> tuple[bytes, int]:
    found = STARS.match(glob, at)
    assert found is not None
    end = found.end()
    is_whole_part = (at == start or glob[at - 1 : at] == b"/") and (
        end == len(glob) or glob[end : end + 1] == b"/"
    )
    if not (anchored and end - at > 1 and is_whole_part):
        return STAR, end
    return (REST, end) if end == len(glob) else (DIRECTORIES, end + 1)


def _bracket(glob: bytes, at: int) -> tuple[bytes, int]:
    """Translate a set of characters; an unclosed one matches nothing."""
    end = at + 1
    negated = glob[end : end + 1] in (b"!", b"^")
    end += negated
    body: list[bytes] = []
    is_first = True
    while is_first or glob[end : end + 1] != b"]":
        is_first = False
        member, end = _member(glob, end)
        if member is None:
            return NEVER, len(glob)
        body.append(member)
    inside = b"".join(body)
    if negated:
        return b"[^/" + inside + b"]", end + 1
    return b"(?!/)[" + inside + b"]", end + 1


def _member(glob: bytes, at: int) -> tuple[bytes | None, int]:
    """Translate one character, range or class of a set; return where the next begins."""
    if glob[at : at + 2] == b"[:":
        close = glob.find(b"]", at + 2)
        if close > at + 2 and glob[close - 1 : close] == b":":
            return CLASSES.get(glob[at + 2 : close - 1]), close + 1
    low, end = _character(glob, at)
    if low is None:
        return None, end
    is_range = glob[end : end + 1] == b"-" and glob[end + 1 : end + 2] not in (
        b"]",
        b"",
    )
    if not is_range:
        return _hex(low), end
    high, end = _character(glob, end + 1)
    if high is None:
        return None, end
    # Of an empty range, such as [z-a], git takes the first character; Python rejects it.
    return (_hex(low) + b"-" + _hex(high) if low <= high else _hex(low)), end


def _character(glob: bytes, at: int) -> tuple[int | None, int]:
    if glob[at : at + 1] == b"\\":
        at += 1
    return (glob[at], at + 1) if at < len(glob) else (None, at)


def _hex(character: int) -> bytes:
    return b"\\x%02x" % character
