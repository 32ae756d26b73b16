"""Edits in the three position encodings: the server's text equals an independent model's.

A case is a document and notifications of changes, of one change or of many.
"""

from __future__ import annotations

from random import Random
from typing import Any

from text_model import Reference

from fuzz import values
from fuzz.accounting import Message
from fuzz.session import Session, framed
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.lsp.documents.positions import split_lines

URI = "file:///a.py"
ENCODINGS = ("utf-8", "utf-16", "utf-32")
# Half of a surrogate pair has no length that clients agree on.
ALPHABET = tuple(one for one in values.ALPHABET if not "\ud800" <= one <= "\udfff")
# Few different characters bring line ends together.
ALPHABETS = (ALPHABET, ("a", *values.LINE_ENDS), ("é", "😀", "\r", "\n"))


def make(random: Random) -> dict[str, Any]:
    alphabet = random.choice(ALPHABETS)
    n_changes = random.choice(((1,), (0, 1, 2, 3), (1, 9, 30)))
    return {
        "encoding": random.choice(ENCODINGS),
        "text": values.text(random, 40, alphabet),
        "notifications": [
            _changes(random, random.choice(n_changes), alphabet)
            for _ in range(random.randint(1, 20))
        ],
    }


def _changes(random: Random, n: int, alphabet: tuple[str, ...]) -> list[Any]:
    """Rows of two positions, or None for the whole text, and a text."""
    changes: list[Any] = []
    for _ in range(n):
        places = [[abs(values.number(random)) for _ in range(2)] for _ in range(2)]
        is_whole = random.random() < 0.03
        changes.append([None if is_whole else places, values.text(random, 8, alphabet)])
    if random.random() < 0.5:
        # As editors send them, from the end of the document to its beginning.
        changes.sort(key=lambda change: max(change[0] or [[0, 0]]), reverse=True)
    return changes


def check(case: dict[str, Any]) -> int:
    reference = Reference(case["text"], case["encoding"])
    sent = [_initialize(case["encoding"]), _open(case["text"])]
    for version, changes in enumerate(case["notifications"], start=2):
        for places, text in changes:
            if places is None:
                reference.text = text
            else:
                reference.edit(tuple(places[0]), tuple(places[1]), text)
        sent.append(_change(version, changes))
    server = Session(list(map(framed, sent)), ScriptedEngine([])).run()
    document = server.documents.get(URI)
    assert document is not None, "the document was lost"
    assert document.snapshot().text == reference.text, "the texts differ"
    assert document.lines == split_lines(reference.text), "the lines differ"
    return len(case["notifications"])


def _initialize(encoding: str) -> Message:
    capabilities = {"general": {"positionEncodings": [encoding]}}
    params = {"capabilities": capabilities}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def _open(text: str) -> Message:
    item = {"uri": URI, "languageId": "python", "version": 1, "text": text}
    return _notification("textDocument/didOpen", {"textDocument": item})


def _change(version: int, changes: list[Any]) -> Message:
    sent = []
    for places, text in changes:
        change: Message = {"text": text}
        if places is not None:
            start, end = (
                {"line": line, "character": column} for line, column in places
            )
            change["range"] = {"start": start, "end": end}
        sent.append(change)
    document = {"uri": URI, "version": version}
    params = {"textDocument": document, "contentChanges": sent}
    return _notification("textDocument/didChange", params)


def _notification(method: str, params: Message) -> Message:
    return {"jsonrpc": "2.0", "method": method, "params": params}
