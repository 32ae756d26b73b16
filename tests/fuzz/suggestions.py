"""Suggestions: whatever a model writes anywhere, what is shown keeps its promises."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from random import Random
from typing import Any

from fuzz import values
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.postprocess import STARTS, overlap, process, take
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.prompt import LAYOUTS, Window, families
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Completion, Cursor, Document, Limits, Style
from starcoder_lsp.languages import languages

# Without what a document may hold and a suggestion repeat: written out here, not
# imported from the rule that is tested.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # fmt: skip
CODE = (
    *values.ALPHABET, "x = 1", "return a", "    ", "\n\n", "if x:", "end", "else", "# ", "```",
    "def f():", "<|endoftext|>", "\ud83d", "a\n", "}\n", ");", "'''", "/*", "*/", "//", "=> ",
    "<think>", "</think>\n", "Here is the code:\n", "# Path: a.py\n", "<Tag", "/>", "try:\n", "except:\n", "\t",
)  # fmt: skip
# A case that was made smaller may lack what was not yet reached when it failed.
USUAL: dict[str, Any] = {
    "before": "", "after": "", "pieces": [], "language": "python", "multiline": "auto",
    "wants_more": False, "is_after_accept": False, "can_replace": False,
    "family": "starcoder2", "layout": "auto",
}  # fmt: skip


def make(random: Random) -> dict[str, Any]:
    pieces = [values.text(random, 3, CODE) for _ in range(random.randint(0, 20))]
    if random.random() < 0.2:
        pieces *= random.choice((3, 20))
    before, after = values.text(random, 60, CODE), values.text(random, 30, CODE)
    if random.random() < 0.2 and pieces:
        # A model that repeats what is there already.
        after = random.choice(pieces) + after
    return {
        "before": before, "after": after, "pieces": pieces,
        "language": random.choice(sorted(languages())),
        "family": random.choice(sorted(families())),
        "layout": random.choice(("auto", *LAYOUTS)),
        "multiline": random.choice(("auto", "never", "always")),
        "wants_more": random.random() < 0.2, "is_after_accept": random.random() < 0.2,
        "can_replace": random.random() < 0.5,
    }  # fmt: skip


def check(case: dict[str, Any]) -> int:
    case = {**USUAL, **case}
    document = Document(case["before"] + case["after"], "file:///a", case["language"])
    cursor = Cursor(document, len(case["before"]))
    style = Style(
        case["multiline"],
        wants_more=case["wants_more"],
        is_after_accept=case["is_after_accept"],
        can_replace=case["can_replace"],
    )
    place = Place(cursor, style)
    _check_rules("".join(case["pieces"]), place)
    _check_stream(case["pieces"], place)
    for completion in asyncio.run(_completions(case, cursor, style)):
        _check_shown(completion, cursor)
    return 1


def _check_rules(raw: str, place: Place) -> None:
    once = process(raw, place)
    _check_shown(Completion(once.text, n_replaced=once.n_replaced), place.cursor)
    done = frozenset(name for name, _ in STARTS)
    started = replace(place, style=replace(place.style, disabled_rules=done))
    streamed = process(take(raw, place).text, started)
    assert streamed.text == once.text, "streamed text ends as another one"
    kept = _without_overlap(take(raw, place).text, place)
    assert _without_overlap(kept, place) == kept, "the second pass cuts more"


def _without_overlap(text: str, place: Place) -> str:
    return overlap.brackets(overlap.line_rest(text, place), place)


def _check_stream(pieces: list[str], place: Place) -> None:
    text, final = "", None
    for piece in pieces:
        text += piece
        cut = take(text, place)
        if final is not None:
            assert cut.text == final, "a final text changes"
        elif cut.is_final:
            final = cut.text


async def _completions(
    case: dict[str, Any], cursor: Cursor, style: Style
) -> list[Completion]:
    completer = Completer(
        ScriptedEngine(case["pieces"]),
        families()[case["family"]],
        Window(60, 30),
        Limits(),
        case["layout"],
        style,
    )
    completion = await completer.complete(cursor)
    found = await completer.alternatives(cursor, 3)
    texts = [one.text for one in found]
    assert len(set(texts)) == len(texts), "alternatives are equal"
    return [completion, *found]


def _check_shown(shown: Completion, cursor: Cursor) -> None:
    text = shown.text
    assert 0 <= shown.n_replaced <= len(cursor.line_suffix), "it replaces too much"
    assert text or not shown.n_replaced, "it deletes and writes nothing"
    new = set(HIDDEN.findall(text)) - set(cursor.document.text)
    assert not new, f"hidden characters: {sorted(map(ascii, new))}"
    assert text == "" or text.strip(), "it shows only space"
