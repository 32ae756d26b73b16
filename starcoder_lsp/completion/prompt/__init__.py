"""Builds prompts from prefix, suffix and snippets, as the model was trained to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from starcoder_lsp.completion.prompt import notebook
from starcoder_lsp.completion.prompt.family import (
    LAYOUTS,
    Family,
    families,
    filled,
    one_line,
    unix,
    with_marks,
)
from starcoder_lsp.flow import REDACTED, Cell, Cursor, Group, Prompt, Segment, Snippet

__all__ = (
    "LAYOUTS", "NO_MARKS", "Family", "Window", "build_prompt", "families", "hold_back",
    "prefix_window",
)  # fmt: skip

# How many code points outside the window draft tokens may come from, on each side.
BEYOND = 16_384
NO_MARKS = dict.fromkeys(REDACTED, "")
# Start, end and kind (a name of `flow.REDACTED`) of a part of a document.
Hidden = tuple[int, int, str]


class Reach(NamedTuple):
    """Offsets in a document: what a prompt shows, and `BEYOND` more on both sides."""

    start_beyond: int
    start: int
    end: int
    end_beyond: int


@dataclass(frozen=True)
class Window:
    """The number of code points before and after the cursor that a prompt holds."""

    prefix: int
    suffix: int

    # Assumed until they are counted. Code has 3 to 4. If this is too high, the prompt does
    # not fit, and the engine leaves out whole files.
    CHARACTERS_PER_TOKEN = 3.0
    SUFFIX_SHARE = 0.25
    # In a prefix-first prompt each keystroke has the suffix evaluated again.
    LONGEST_LAST_SUFFIX = 512

    @classmethod
    def of_tokens(
        cls,
        n_tokens: int,
        form: str = "spm",
        characters_per_token: float = CHARACTERS_PER_TOKEN,
    ) -> Window:
        """Return the window for a prompt of `n_tokens` in the layout `form`."""
        characters = int(n_tokens * characters_per_token)
        suffix = int(characters * cls.SUFFIX_SHARE)
        if form == "psm":
            suffix = min(suffix, cls.LONGEST_LAST_SUFFIX)
        return cls(characters - suffix, suffix)

    # Other files get less than the text around the cursor.
    CONTEXT_SHARE = 0.4
    # The window shrinks in steps, so that its start does not move with each snippet.
    N_STEPS = 8

    @property
    def for_context(self) -> int:
        """The code points for snippets of other files."""
        return int((self.prefix + self.suffix) * self.CONTEXT_SHARE)

    def beside(self, n_taken: int) -> Window:
        """Return the window that `n_taken` code points of other files leave."""
        step = max((self.prefix + self.suffix) // self.N_STEPS, 1)
        n_left = max(self.prefix + self.suffix - -(-n_taken // step) * step, 0)
        suffix = min(int(n_left * self.SUFFIX_SHARE), self.suffix)
        return Window(n_left - suffix, suffix) if n_taken else self

    def reach(self, cursor: Cursor) -> Reach:
        """Return which part of the document a prompt and its drafts may use."""
        start = cursor.offset - len(prefix_window(cursor.prefix, self.prefix))
        end = min(cursor.offset + self.suffix, len(cursor.document.text))
        return Reach(max(start - BEYOND, 0), start, end, end + BEYOND)

    def shown(self, cursor: Cursor) -> range:
        """Return the offsets that a prompt always holds, whatever the snippets take."""
        least = self.beside(self.for_context)
        reach = least.reach(cursor)
        return range(reach.start, reach.end)


def build_prompt(
    cursor: Cursor,
    family: Family,
    window: Window,
    *,
    layout: str = "auto",
    snippets: Sequence[Snippet] = (),
    repository: str = "",
    path: str = "",
    cells: Sequence[Cell] = (),
    hidden: Sequence[Hidden] = (),
    wants_line: bool = False,
) -> Prompt:
    """The prompt for the text at `cursor`, which may be in a notebook of other `cells`.

    Snippets and cells are left out where the family has no form for them. No part of the
    prompt holds the `hidden` parts of the document, which are in order. `wants_line` tells
    models that can be told so that one line is wanted.
    """
    reach = window.reach(cursor)
    text = cursor.document.text

    def read(start: int, end: int, marks: Mapping[str, str] = REDACTED) -> str:
        return unix(with_marks(text, start, end, hidden, marks))

    prefix = read(reach.start, cursor.offset)
    prefix, held_back = hold_back(prefix) if family.heals else (prefix, "")
    above = read(reach.start_beyond, reach.start, NO_MARKS)
    below = read(reach.end, reach.end_beyond, NO_MARKS)
    fields = {
        "prefix": prefix,
        "suffix": read(cursor.offset, reach.end),
        "path": one_line(path),
        "repository": one_line(repository),
        "file": one_line(path or _file_name(cursor.document.uri)),
        "language": one_line(family.language_name(cursor.document.language)),
        "mode": "LINE" if wants_line else "BLOCK",
    }
    form = family.layout_for(layout)
    language = cursor.document.language
    if layout in ("auto", "plain") and notebook.is_readable(family, cells, fields):
        filling = notebook.segments(family, fields, snippets, cells, language)
    else:
        snippets = (*snippets, *notebook.as_snippets(cells, path, language))
        filling = _segments(family, form, fields, snippets)
    segments = tuple(filling)
    return Prompt(segments, held_back, family.stops, above + below)


def _file_name(uri: str) -> str:
    """Return the last part of a URI, which names the document if nothing else does.

    >>> _file_name("file:///a/b%20c.py")
    'b c.py'
    """
    return unquote(urlsplit(uri).path.rpartition("/")[2])


def _segments(
    family: Family, form: str, fields: Mapping[str, str], snippets: Sequence[Snippet]
) -> Iterator[Segment | Group]:
    if not snippets or not family.repository:
        yield from filled(family, family.forms[form], fields)
        return
    parts = family.repository
    yield from filled(family, parts["head"], fields)
    for snippet in snippets:
        text = {"path": one_line(snippet.path), "text": unix(snippet.text)}
        yield Group(tuple(filled(family, parts["snippet"], {**fields, **text})))
    yield from filled(family, parts[form], fields)


def prefix_window(prefix: str, n_characters: int) -> str:
    """Return the end of `prefix`, from a line start on a coarse grid.

    A window that moves with each new line would change the start of every prompt, and
    invalidate the KV cache.
    """
    if len(prefix) <= n_characters:
        return prefix
    grid = max(n_characters // 4, 1)
    start = -(-(len(prefix) - n_characters) // grid) * grid
    line_end = prefix.find("\n", start)
    return prefix[start if line_end < 0 else line_end + 1 :]


# The word before the cursor, with space or punctuation that may share a token with it.
HELD_BACK = re.compile(
    rf"\s{{0,32}}[^\s\w{''.join(REDACTED.values())}]{{0,8}}\s{{0,32}}\w{{0,64}}\Z"
)
MAX_HELD_BACK = 32 + 8 + 32 + 64


def hold_back(prefix: str) -> tuple[str, str]:
    """Split `prefix` into a part to prefill and a part to hold back (token healing).

    A model without fill-in-the-middle training predicts badly after a token that its
    tokenizer would have continued.

    >>> hold_back("    return sel")
    ('    return', ' sel')
    """
    found = HELD_BACK.search(prefix, max(len(prefix) - MAX_HELD_BACK, 0))
    start = found.start() if found else len(prefix)
    return prefix[:start], prefix[start:]
