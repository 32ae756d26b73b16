"""Rules against text that shows something else than it is (CVE-2021-42574)."""

from __future__ import annotations

import re

from starcoder_lsp.postprocess.place import Place

# A zero-width joiner between two emoji makes them one.
JOINED_EMOJI = re.compile("(?<=[\u2190-\U0001faff])\u200d(?=[\u2190-\U0001faff])")
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def hidden_characters(text: str, place: Place) -> str:
    r"""Drop text with control, bidirectional or zero-width characters.

    Those that the document already holds are its author's choice.

    >>> hidden_characters("a\u202eb", Place.marked("█"))
    ''
    """
    found = set(INVISIBLE.findall(JOINED_EMOJI.sub("", text)))
    return text if all(one in place.cursor.document.text for one in found) else ""
