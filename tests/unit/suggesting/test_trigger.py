"""The reasons for no suggestion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.flow import Cursor
from starcoder_lsp.settings.resolve import Layer, resolve
from starcoder_lsp.suggesting.trigger import Occasion, Skip, kind_of_text, skip


def why_not(
    picture: str,
    language: str = "javascript",
    path: str | None = None,
    *,
    is_explicit: bool = False,
    snoozed_s: float = 0.0,
    **values: object,
) -> str | None:
    settings = resolve([Layer("test", values)]).settings.trigger
    occasion = Occasion(
        Cursor.marked(picture, language),
        settings,
        Path(path) if path else None,
        is_explicit,
        snoozed_s,
    )
    found = skip(occasion)
    return found.reason if found else None


@pytest.mark.parametrize(
    "picture",
    [
        "x = █",
        "f(█)",
        "█",
        "for (let i = 0;█)",
        "return █ + 1",
        "a;\n█",
        "int f() {\n  g();█\n",
    ],
)
def test_places_where_code_can_follow_have_no_reason(picture: str) -> None:
    assert why_not(picture) is None


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        ("x = 1;█", "the statement is finished"),
        ("f(1);█", "the statement is finished"),
        ("na█me", "the cursor is inside a word"),
    ],
)
def test_places_without_use_are_skipped_unless_the_request_is_explicit(
    picture: str, reason: str
) -> None:
    assert why_not(picture) == reason
    assert why_not(picture, is_explicit=True) is None


def test_settings_are_lasting_reasons() -> None:
    assert why_not("█", enabled=False) == "disabled by `enabled`"
    not_in_javascript = why_not(
        "█", disabled_languages=["javascript"], is_explicit=True
    )
    assert not_in_javascript == "disabled by `disabled_languages`"


@pytest.mark.parametrize(
    ("path", "glob", "reason"),
    [
        ("/p/vendor/a.js", "vendor/*", "disabled by `disabled_paths`"),
        ("/p/.env", "*.env", "disabled by `disabled_paths`"),
        ("/p/a.js", "vendor/*", None),
    ],
)
def test_paths_are_disabled_by_their_end(
    path: str, glob: str, reason: str | None
) -> None:
    assert why_not("█", path=path, disabled_paths=[glob]) == reason


def test_an_explicit_request_ignores_snoozing() -> None:
    assert why_not("█", snoozed_s=5) == "snoozing"
    assert why_not("█", snoozed_s=-5) is None
    assert why_not("█", snoozed_s=5, is_explicit=True) is None


@pytest.mark.parametrize(
    ("picture", "language", "kind"),
    [
        ("x = 1  # say█", "python", "comment"),
        ("x = '# say█'", "python", "string"),
        ("x = 'it\\'s█'", "python", "string"),
        ("x = 'a' + █", "python", "code"),
        ("/* one\n two█ */", "javascript", "comment"),
        ("/* one */ two█", "javascript", "code"),
        ("// one█", "javascript", "comment"),
        ("# it's\nx = █", "python", "code"),
        ('def f():\n    """Say\n    it█', "python", "string"),
        ('x = """a"""\n█', "python", "code"),
        ("const a = `one\ntwo█`", "javascript", "string"),
        ("let a = 'b; // c█", "rust", "comment"),
        ("-- it's █", "lua", "comment"),
    ],
)
def test_comments_and_strings_are_known(picture: str, language: str, kind: str) -> None:
    assert kind_of_text(Cursor.marked(picture, language)) == kind


def test_comments_and_strings_are_skipped_when_the_user_says_so() -> None:
    picture = "x // say█"
    assert why_not(picture) is None
    assert why_not(picture, skip_in=["comments"]) == "in a comment, see `skip_in`"
    assert why_not("x = 'say█'", skip_in=["strings"]) == "in a string, see `skip_in`"


def test_a_document_that_is_too_large_is_skipped() -> None:
    cursor = Cursor.marked("█")
    settings = resolve([]).settings.trigger
    large = replace(cursor, document=replace(cursor.document, text="x" * 10_000_001))
    assert skip(Occasion(large, settings)) == Skip("this file is too large", True)
