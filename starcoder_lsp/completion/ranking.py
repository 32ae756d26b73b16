"""Ranks suggestions by the text after the cursor, for models that do not read it.

A model that reads only the prefix can score the suffix after each suggestion. By Bayes'
rule the likeliest suggestion between prefix and suffix is the one whose own probability
times that of the suffix is highest.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Completion, Limits, Prompt

logger = logging.getLogger(__name__)

# The part of the suffix that is scored: its first lines that are not blank, shortened to
# so many characters.
FOLLOWING_LINES = 2
FOLLOWING_CHARACTERS = 120


async def by_what_follows(
    engine: Engine,
    prompt: Prompt,
    suffix: str,
    found: Sequence[Completion],
    limits: Limits,
) -> list[Completion]:
    """Return the same suggestions, the likeliest before `suffix` first.

    Their order stays if the engine fails or has no time left, or if there is no suffix.
    """
    after = following(suffix)
    if len(found) < 2 or not after:
        return list(found)
    texts = [one.text + after[one.n_replaced :] for one in found]
    try:
        scores = await engine.score(prompt, texts, limits)
    except EngineError as exc:
        logger.info("suggestions are not ranked: %s", exc)
        return list(found)
    pairs = zip(scores, found, strict=True)
    ranked = sorted(pairs, key=lambda pair: -pair[0].log_probability)
    return [completion for _, completion in ranked]


def following(suffix: str) -> str:
    r"""Return the part of `suffix` to score, up to the end of a line.

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
