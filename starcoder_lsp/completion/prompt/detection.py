"""Recognises the family of a GGUF file that has no row in models.toml.

The tokens of a vocabulary show which form a model may have been trained on, but not that
it was: several models share a tokenizer. So the answer says how sure it is, and an answer
that is not sure is tried out once the model is loaded (`probe.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from starcoder_lsp.completion.prompt.family import (
    Family,
    Traits,
    families,
    untrained,
)

Certainty = Literal["sure", "likely", "doubtful"]
PLAIN = "plain"


@dataclass(frozen=True)
class ModelFacts:
    """Holds the names, the architecture and the tokens that a GGUF file states."""

    names: tuple[str, ...]
    architecture: str
    tokens: frozenset[str]


@dataclass(frozen=True)
class Detected:
    """A family, how sure it is, and why; `why` is the rest of a sentence."""

    family: str
    certainty: Certainty
    why: str


def telling_tokens() -> frozenset[str]:
    """Return the tokens that `detect` asks for."""
    return frozenset().union(*map(_tokens, families().values()))


def detect(facts: ModelFacts) -> Detected:
    """Return the family that fits a model best; `plain` if none does."""
    name = normal(" ".join(facts.names))
    if untrained().search(name):
        why = "its makers did not train it to fill in the middle"
        return Detected(PLAIN, "likely", why)
    fitting = {
        family.name: family.detect
        for family in families().values()
        if family.detect and _tokens(family) <= facts.tokens
    }
    return (
        _by_name(fitting, name, facts.architecture)
        or _by_tokens(fitting, facts.architecture)
        or Detected(PLAIN, "likely", "it has no tokens to fill in the middle")
    )


def normal(name: str) -> str:
    """Return a name as the patterns expect it.

    >>> normal("Qwen2.5 Coder_7B")
    'qwen2.5-coder-7b'
    """
    return re.sub(r"[\s_]+", "-", name.lower())


def _by_name(
    fitting: Mapping[str, Traits], name: str, architecture: str
) -> Detected | None:
    for family, traits in fitting.items():
        if re.search(traits.name, name):
            is_usual = architecture in traits.architectures
            certainty: Certainty = "sure" if is_usual else "likely"
            return Detected(family, certainty, "its name and its tokens say so")
    return None


def _by_tokens(fitting: Mapping[str, Traits], architecture: str) -> Detected | None:
    """Return the family with the most of its own tokens in the vocabulary."""
    usual = [name for name, one in fitting.items() if architecture in one.architectures]
    # More tokens tell more; StarCoder's are a part of those of its relatives.
    candidates = sorted(
        usual or fitting, key=lambda name: len(_tokens(families()[name])), reverse=True
    )
    if not candidates:
        return None
    best = candidates[0]
    if fitting[best].needs_name or not usual:
        why = "it has the tokens, but so have models without a training for them"
        return Detected(best, "doubtful", why)
    return Detected(best, "likely", "its tokens and its architecture say so")


def _tokens(family: Family) -> frozenset[str]:
    more = family.detect.tokens if family.detect else ()
    return family.controls.union(more)
