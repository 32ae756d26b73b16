"""Rules against text that does not look like what it is (CVE-2021-42574)."""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.place import Place

# A zero-width joiner between two emoji is legitimate.
JOINED_EMOJI = re.compile("(?<=[\u2190-\U0001faff])\u200d(?=[\u2190-\U0001faff])")
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Halves of surrogate pairs, and the replacement character of decoders.
BROKEN = re.compile("[\ud800-\udfff\ufffd]")
# A joiner or variation selector at the end, whose next character is missing.
HANGING = re.compile("[\u200d\ufe0e\ufe0f]+$")


def hidden_characters(text: str, place: Place) -> str:
    r"""Drop text with control, bidirectional or zero-width characters.

    Characters that the document already contains are allowed.

    >>> hidden_characters("a\u202eb", Place.marked("█"))
    ''
    """
    found = set(INVISIBLE.findall(JOINED_EMOJI.sub("", text)))
    return text if all(one in place.cursor.document.text for one in found) else ""


def whole_characters(text: str, place: Place) -> str:
    r"""Cut at a character that is incomplete.

    >>> whole_characters("caf\ufffd", Place.marked("█"))
    'caf'
    """
    broken = BROKEN.search(text)
    if broken and broken[0] not in place.cursor.document.text:
        text = text[: broken.start()]
    hanging = HANGING.search(text)
    if hanging and hanging[0].startswith("\u200d"):
        text = text[: hanging.start()]
    return text
