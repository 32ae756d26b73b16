"""Rules against repeating the text after the cursor."""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.closers import closed_by, n_unmatched
from starcoder_lsp.completion.postprocess.nesting import (
    LONG_QUOTES,
    TRIPLE,
    match,
    read,
)
from starcoder_lsp.completion.postprocess.place import Cut, Place, growing
from starcoder_lsp.languages.lines import indentation, is_of_word

LONGEST_OVERLAP = 400
MOST_CLOSERS = 10
MOST_LINES = 200
# Two lines that differ only in quotes, spaces, semicolons or commas count as equal.
SPELLING = str.maketrans("'`", '""', " \t;,")
SAYS_SOMETHING = re.compile(r"\w")
CLOSERS_AND_SEPARATORS = ")]}>\"'`;:, \t"
CLOSERS_AT_END = re.compile(r"(?P<closers>[)\]}>\"'`]+)(?P<separator>[;:, \t]*)")


def line_rest(text: str, place: Place) -> str:
    """Cut the end that repeats the rest of the line, so that brackets balance.

    Where the text goes on differently, cut it before the words that it repeats.

    >>> line_rest("name)", Place.marked("print(█)"))
    'name'
    >>> line_rest("len(name)", Place.marked("print(█)"))
    'len(name)'
    >>> line_rest("source, target, force)", Place.marked("copy(█, target)"))
    'source'
    """
    while (kept := _without_end(text, place)) != text:
        text = kept
    return text


def _without_end(text: str, place: Place) -> str:
    """Cut once what repeats the rest of the line, if the brackets then balance better."""
    follows = place.cursor.line_suffix.rstrip()
    written = text.rstrip()
    longest = min(len(follows), len(written), LONGEST_OVERLAP)
    kept = [
        written[: len(written) - length]
        for length in range(longest, 0, -1)
        if written.endswith(follows[:length])
    ]
    said = follows.rstrip(CLOSERS_AND_SEPARATORS)
    if SAYS_SOMETHING.search(said) and (start := _find_words(said, text)) > 0:
        kept.append(text[:start])
    allowed = _n_surplus(text, place)
    kept = [one for one in kept if _n_surplus(one, place) <= allowed]
    return min([*kept, text], key=lambda one: imbalance(one, place)) if kept else text


def _find_words(said: str, text: str) -> int:
    """Return where `said` begins in `text`, not inside a word; -1 if it does not."""
    # Compiling a pattern from a line of a megabyte would take a second.
    if said not in text:
        return -1
    found = re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text)
    is_word = is_of_word(said[0])
    found = found if is_word else re.search(rf"{re.escape(said)}(?!\w)", text)
    return found.start() if found else -1


def brackets(text: str, place: Place) -> str:
    """Cut before a closing bracket that leaves it or a later one without an opener.

    >>> brackets("a); g()", Place.marked("f(█)"))
    'a'
    >>> brackets("a)", Place.marked("f(█"))
    'a)'
    """
    if not place.style.can_replace and (ends := closed_by(text, place.inserted)):
        text = text[: ends[0]]
    if not _n_surplus(text, place, n_replaced(text, place)):
        return text
    closes = read(text, place.row, place.before.literal).closes[:MOST_CLOSERS]
    for closer in reversed(closes):
        kept = text[: closer.offset]
        if not _n_surplus(kept, place, n_replaced(kept, place)):
            # What is left may end with the rest of the line again.
            return line_rest(kept, place)
    return text


def n_replaced(text: str, place: Place) -> int:
    """Return how many code points after the cursor the text repeats and so replaces.

    They are closing brackets and the like: those that the editor inserted, or those at
    the end of a line that would close nothing. A separator behind them goes with them.

    >>> from starcoder_lsp.flow import Style
    >>> place = Place(Place.marked("f(█)").cursor, Style(can_replace=True))
    >>> n_replaced("a); g()", place), n_replaced("a", place)
    (1, 0)
    """
    if not place.style.can_replace:
        return 0
    if place.inserted:
        return len(closed_by(text, place.inserted))
    found = CLOSERS_AT_END.fullmatch(place.cursor.line_suffix.rstrip())
    if not found or not _n_surplus(text, place):
        return 0
    closers = found["closers"]
    most = len(closed_by(text, closers))
    n = min(range(most + 1), key=lambda n: _n_surplus(text, place, n))
    is_said = text.rstrip().endswith(found["separator"])
    return len(found[0]) if 0 < n == len(closers) and is_said else n


def line_below(text: str, place: Place) -> Cut:
    r"""Stop where the model writes the line below the cursor.

    >>> line_below("a = 1\nb = 2\nc", Place.marked("█\nb = 2")).text
    'a = 1'
    """
    follows = place.below[0] if place.below else ""
    if not SAYS_SOMETHING.search(follows):
        return growing(text)
    end = -1
    lines = text.split("\n")
    for i, line in enumerate(lines):
        whole = place.cursor.line_prefix + line if i == 0 else line
        if (
            line
            and whole.rstrip() == follows
            and _is_closed(text[: max(end, 0)], place)
        ):
            return Cut(text[: max(end, 0)], is_final=i < len(lines) - 1)
        end += 1 + len(line)
    return growing(text)


def next_lines(text: str, place: Place) -> str:
    r"""Cut lines at the end that repeat the lines below the cursor.

    >>> next_lines("a = 1\nb = 2", Place.marked("█\nb = 2\nc = 3"))
    'a = 1'
    """
    lines = text.split("\n")
    written = [place.cursor.line_prefix + lines[0], *lines[1:]]
    for start in range(max(len(lines) - MOST_LINES, 0), len(lines)):
        if written[start].rstrip() not in place.below[:1] and start > 0:
            continue
        tail = [line.rstrip() for line in written[start:] if line.strip()]
        kept = "\n".join(lines[:start])
        if _are_below(tail, place, is_all=start == 0) and _is_closed(kept, place):
            return kept
    return text


def imbalance(text: str, place: Place) -> int:
    """Count the unmatched brackets on the cursor's line with `text` in it.

    In prose they count as characters.
    """
    if place.is_in_comment or place.before.literal in TRIPLE:
        cursor = place.cursor
        return n_unmatched(cursor.line_prefix + text + cursor.line_suffix)
    written = read(text, place.row, place.before.literal)
    line_start = len(place.window) - len(place.cursor.line_prefix)
    line_end = len(place.cursor.line_suffix)
    opens = [mark for mark in place.before.opens if mark.offset >= line_start]
    closes = [mark for mark in place.after.closes if mark.offset < line_end]
    inside = match(opens, written.closes)
    outside = match((*inside.rest, *written.opens), closes)
    n_open = inside.n_skipped + outside.n_skipped + len(outside.rest)
    return n_open + len(inside.surplus) + len(outside.surplus)


def _n_surplus(text: str, place: Place, n_gone: int = 0) -> int:
    """Count the brackets, in and after the text, that close nothing because of it.

    The text replaces the first `n_gone` code points after the cursor.
    """
    written = read(text, place.row, place.before.literal)
    after = read(place.following[n_gone:], place.row, written.literal)
    inside = match(place.before.opens, written.closes)
    outside = match((*inside.rest, *written.opens), after.closes)
    n_far = len(inside.surplus) if place.is_far else 0
    n_all = len(inside.surplus) - n_far + len(outside.surplus)
    # What closed a long string now opens one, up to the end of the document.
    n_all += after.literal in LONG_QUOTES and after.literal != place.after.literal
    return max(n_all - len(place.closed.surplus), 0)


def _are_below(tail: list[str], place: Place, *, is_all: bool) -> bool:
    below = place.below[: len(tail)]
    if not tail or len(below) < len(tail):
        return False
    if tail == below:
        return True
    return is_all and _spelled(tail) == _spelled(below)


def _spelled(lines: list[str]) -> list[str]:
    return [indentation(line) + line.translate(SPELLING) for line in lines]


def _is_closed(text: str, place: Place) -> bool:
    """Return whether every bracket that `text` opens is closed in it."""
    return not read(text, place.row, place.before.literal).opens
