"""Whether a model fills in the middle is seen on trivial middles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from starcoder_lsp.completion.probe import TRIALS, Verdict, probe
from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import FinishReason, Prompt, Text

FAMILY = families()["starcoder2"]


def middle_of(prompt: Prompt) -> Sequence[str]:
    """Return what a trained model writes."""
    texts = [one.text for one in prompt.segments if isinstance(one, Text)]
    for trial in TRIALS:
        before, _, after = trial.text.partition("█")
        if before in texts and after in texts:
            return [trial.middle]
    raise AssertionError(texts)


@pytest.mark.parametrize(
    ("script", "reason", "verdict", "fills"),
    [
        (middle_of, "stop", Verdict(3, 3), True),
        (middle_of, "length", Verdict(3, 0), False),
        (["import os"], "length", Verdict(0, 0), False),
        (["x"], "stop", Verdict(0, 3), False),
        (["4"], "stop", Verdict(1, 3), True),
    ],
)
async def test_trivial_middles_come_back(
    script: Sequence[str], reason: FinishReason, verdict: Verdict, fills: bool
) -> None:
    engine = ScriptedEngine(script)
    engine.finish_reason = reason
    found = await probe(engine, FAMILY)
    assert found == verdict
    assert found.fills is fills


async def test_without_a_form_for_the_middle_there_is_nothing_to_try() -> None:
    engine = ScriptedEngine(["x"])
    assert await probe(engine, families()["plain"]) is None
    assert not engine.prompts


async def test_an_engine_that_does_not_answer_gives_no_verdict() -> None:
    engine = ScriptedEngine(["x"])
    engine.state = EngineState(Phase.RESTARTING, "again", 0.0)
    assert await probe(engine, FAMILY) is None
