"""What the rules ask about the place of a suggestion, computed once per request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from starcoder_lsp.flow import USUAL_STYLE, Cursor, Judgement, Style
from starcoder_lsp.languages import Language, language


@dataclass(frozen=True)
class Place:
    """A cursor, how the user wants suggestions there, and what is known of the text.

    `is_cut_off`: the model had more to say, but no tokens or no time.
    """

    cursor: Cursor
    style: Style = USUAL_STYLE
    judgement: Judgement | None = None
    is_cut_off: bool = False

    @classmethod
    def marked(cls, text: str, language: str = "python") -> Place:
        """The place where the mark stands in `text`, for examples."""
        return cls(Cursor.marked(text, language))

    @cached_property
    def row(self) -> Language:
        """What is known of the document's language."""
        return language(self.cursor.document.language)


@dataclass(frozen=True)
class Cut:
    """The part that belongs here; `is_final` when no further text can belong."""

    text: str
    is_final: bool


def ended(text: str, end: int) -> Cut:
    """What a rule leaves that cuts at `end`, where its mind is made up."""
    return Cut(text[:end], is_final=end < len(text))
