"""Which of several suggestions fits best what follows the cursor.

A model that reads only what stands before the cursor can still be asked how likely it
finds the text after it once a suggestion is in place: by Bayes' rule the suggestion
with the highest product of both chances is the likeliest between the two.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Completion, Cursor, Limits, Prompt

logger = logging.getLogger(__name__)

# What is asked about: this many lines that say something, of at most so many characters.
FOLLOWING_LINES = 2
FOLLOWING_CHARACTERS = 120


async def by_what_follows(
    engine: Engine,
    prompt: Prompt,
    cursor: Cursor,
    found: Sequence[Completion],
    limits: Limits,
) -> list[Completion]:
    """The same suggestions, the likeliest before the text after the cursor first.

    Where there is no time to find out, or no engine any more, their order stays.
    """
    after = following(cursor.suffix)
    if len(found) < 2 or not after:
        return list(found)
    texts = [one.text + after[one.n_replaced :] for one in found]
    try:
        scores = await engine.score(prompt, texts, limits)
    except EngineError as exc:
        logger.info("suggestions stay in their order: %s", exc)
        return list(found)
    pairs = zip(scores, found, strict=True)
    ranked = sorted(pairs, key=lambda pair: -pair[0].log_probability)
    return [completion for _, completion in ranked]


def following(suffix: str) -> str:
    r"""The beginning of `suffix`, up to the end of a line.

    >>> following(")\n\n    return x\n    more\n")
    ')\n\n    return x\n'
    """
    if not suffix.strip():
        return ""
    head, n_said = "", 0
    for line in suffix.replace("\r\n", "\n").splitlines(keepends=True):
        head += line
        n_said += bool(line.strip())
        if n_said == FOLLOWING_LINES:
            break
    return head[:FOLLOWING_CHARACTERS]
