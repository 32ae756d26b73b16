"""Sizes the prompt of a command to what this machine reads and answers soon.

The speed that an engine knows was measured when the machine had time. A command asks
once, perhaps while a compiler runs, so it measures the speed at this moment with a prompt
of a few tokens.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from starcoder_lsp.engines import Engine, Speed
from starcoder_lsp.engines.prompt_fit import UNMEASURED_PER_S, USUAL_LINE
from starcoder_lsp.flow import Limits, Prompt, Text, Usage

# For all of a suggestion. What reading leaves of it is for writing.
TOTAL_MS = 60_000
# For reading, and writing the first line.
SOON_MS = 700
# A slow machine takes longer, so that it reads this much, but not longer than a person
# likes to wait.
LEAST_TOKENS, PATIENT_MS = 256, 6_000
# For the measurement: a machine that takes longer reads as little as possible.
MEASURE_MS = 3_000
# About 30 tokens, which no KV cache holds.
SAMPLE = Prompt(
    (Text("def area(width, height):\n    return width * height\n\n\n" * 2),)
)
UNMEASURED = Speed(UNMEASURED_PER_S, UNMEASURED_PER_S)


async def speed_now(engine: Engine) -> float | None:
    """Measure how many prompt tokens per second the engine reads at this moment.

    None for an engine that does not read ahead of a request. Raises EngineError.
    """
    limits = Limits(max_tokens=0, time_budget_ms=MEASURE_MS)
    usage = Usage()
    async with aclosing(engine.generate(SAMPLE, limits)) as pieces:
        async for piece in pieces:
            usage = piece.usage
    if not usage.evaluated_tokens or not usage.total_ms:
        return None
    if usage.finish_reason == "time":
        return 0.0
    return usage.evaluated_tokens / usage.total_ms * 1000


def paced(limits: Limits, now_per_s: float | None, known: Speed | None) -> Limits:
    """Return limits with which the first line is there soon, at this moment's speed.

    An engine makes a prompt as long as it can read in `latency_target_ms`, beside writing
    a line, at the speed that it has `known`.
    """
    speed = known or UNMEASURED
    share = 1.0 if now_per_s is None else now_per_s / speed.prefill_tokens_per_s
    needed_s = (
        LEAST_TOKENS / speed.prefill_tokens_per_s
        + USUAL_LINE * speed.decode_s(LEAST_TOKENS)
    ) / max(share, 1e-9)
    patient_ms = min(PATIENT_MS, limits.time_budget_ms / 2)
    target_ms = min(max(SOON_MS, needed_s * 1000), patient_ms)
    return replace(limits, latency_target_ms=max(int(target_ms * share), 1))
