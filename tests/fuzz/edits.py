"""Edits in the three position encodings: our text equals that of an independent model."""

from __future__ import annotations

from random import Random
from typing import Any, cast

from text_model import Reference

from fuzz import values
from starcoder_lsp.lsp.documents import Documents, Encoding, Span, split_lines

URI = "file:///a.py"
ENCODINGS = ("utf-8", "utf-16", "utf-32")
# A lone surrogate has no length that clients agree on.
ALPHABET = tuple(one for one in values.ALPHABET if not "\ud800" <= one <= "\udfff")


def make(random: Random) -> dict[str, Any]:
    # Few different characters bring line ends together.
    alphabet = random.choice(
        (ALPHABET, ("a", *values.LINE_ENDS), ("é", "😀", "\r", "\n"))
    )
    edits = []
    for _ in range(random.randint(1, 30)):
        places = [[values.number(random), values.number(random)] for _ in range(2)]
        is_whole = random.random() < 0.05
        edits.append([None if is_whole else places, values.text(random, 8, alphabet)])
    text = values.text(random, 40, alphabet)
    return {"encoding": random.choice(ENCODINGS), "text": text, "edits": edits}


def check(case: dict[str, Any]) -> int:
    encoding = cast(Encoding, case["encoding"])
    reference = Reference(case["text"], encoding)
    documents = Documents()
    documents.open(URI, "python", 1, case["text"])
    document = documents.get(URI)
    assert document is not None
    for version, (places, text) in enumerate(case["edits"], start=2):
        before = reference.text
        if places is None:
            reference.text, span = text, None
        else:
            start, end = (tuple(max(number, 0) for number in place) for place in places)
            reference.edit(start, end, text)
            span = Span(start, end)
        (edit,) = documents.change(URI, version, [(span, text)], encoding)
        assert before[: edit.start] + edit.text + before[edit.end :] == reference.text
        # Joined anew, and by way of the snapshot that edits keep.
        assert "".join(document.lines) == reference.text, "lines diverge"
        if version % 3:
            assert document.snapshot().text == reference.text, "snapshots diverge"
        assert document.lines == split_lines(reference.text)
    return len(case["edits"])
