"""Decides whether to suggest anything: a table of conditions and reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.flow import Cursor
from starcoder_lsp.languages import language_id
from starcoder_lsp.languages.lines import is_of_word
from starcoder_lsp.settings.options import TriggerSettings

MAX_DOCUMENT_CHARACTERS = 10_000_000


@dataclass(frozen=True)
class Occasion:
    """The facts that the decision depends on.

    `path` is the document's file, if it has one, with links resolved, and `named_path`
    the path that the editor names. `snoozed_s` is how long automatic suggestions stay off.
    """

    cursor: Cursor
    settings: TriggerSettings
    path: Path | None = None
    is_explicit: bool = False
    snoozed_s: float = 0.0
    named_path: Path | None = None


@dataclass(frozen=True)
class Skip:
    """The reason for no suggestion; `is_lasting` if typing does not change it."""

    reason: str
    is_lasting: bool = False


def skip(occasion: Occasion) -> Skip | None:
    """Return the first reason not to suggest; None when there is none."""
    for applies, reason in ALWAYS:
        if applies(occasion):
            return Skip(reason, is_lasting=True)
    if not occasion.is_explicit:
        for applies, reason in UNLESS_ASKED:
            if applies(occasion):
                return Skip(reason)
    return None


def _is_snoozed(occasion: Occasion) -> bool:
    return not occasion.is_explicit and occasion.snoozed_s > 0


def _is_disabled_language(occasion: Occasion) -> bool:
    """Whatever the editor and the settings call the language."""
    disabled = occasion.settings.disabled_languages
    return bool(disabled) and language_id(occasion.cursor.document.language) in map(
        language_id, disabled
    )


def _is_disabled_path(occasion: Occasion) -> bool:
    paths = [one.as_posix() for one in (occasion.path, occasion.named_path) if one]
    return any(
        fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")
        for glob in occasion.settings.disabled_paths
        for path in paths
    )


def _is_after_statement(occasion: Occasion) -> bool:
    """Return whether a `;` ends the line, is not part of a `for (…)`, and nothing is due.

    The next line may be due, or a brace that is missing at the end of the document.
    """
    line = occasion.cursor.line_prefix
    is_after = line.endswith(";") and line.count("(") <= line.count(")")
    is_end = is_after and not occasion.cursor.line_suffix.strip()
    is_next_due = occasion.settings.next_line
    return is_end and not is_next_due and not Place(occasion.cursor).lacks_brace


def _is_inside_word(occasion: Occasion) -> bool:
    before = occasion.cursor.line_prefix[-1:]
    after = occasion.cursor.line_suffix[:1]
    return is_of_word(before) and is_of_word(after)


def _is_in_comment(occasion: Occasion) -> bool:
    wanted = "comments" in occasion.settings.skip_in
    return wanted and kind_of_text(occasion.cursor) == "comment"


def _is_in_string(occasion: Occasion) -> bool:
    wanted = "strings" in occasion.settings.skip_in
    return wanted and kind_of_text(occasion.cursor) == "string"


Row = tuple[Callable[[Occasion], bool], str]

ALWAYS: tuple[Row, ...] = (
    (lambda occasion: not occasion.settings.enabled, "disabled by `enabled`"),
    (_is_disabled_language, "disabled by `disabled_languages`"),
    (_is_disabled_path, "disabled by `disabled_paths`"),
    (
        lambda occasion: len(occasion.cursor.document.text) > MAX_DOCUMENT_CHARACTERS,
        "this file is too large",
    ),
    (_is_snoozed, "snoozing"),
)
UNLESS_ASKED: tuple[Row, ...] = (
    (_is_after_statement, "the statement is finished"),
    (_is_inside_word, "the cursor is inside a word"),
    (_is_in_comment, "in a comment, see `skip_in`"),
    (_is_in_string, "in a string, see `skip_in`"),
)


def kind_of_text(cursor: Cursor) -> str:
    """Return `comment`, `string` or `code`, without a parser.

    >>> kind_of_text(Cursor.marked("x = 1  # one█")), kind_of_text(Cursor.marked("'#█'"))
    ('comment', 'string')
    """
    place = Place(cursor)
    if place.is_in_comment:
        return "comment"
    return "string" if place.before.literal else "code"
