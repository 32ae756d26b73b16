"""Measures the time from a cancel to a free engine, while it reads a long prompt.

    python benchmarks/cancel.py [MODEL.gguf] [--times 100] [--tokens 3000]

The engine runs in its child process, as it does for editors. Without a model, it loads a
StarCoder2 with 160 million random weights.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.flow import Limits, Prompt, Text

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

LIMITS = Limits(max_tokens=1, time_budget_ms=600_000)


async def cancelled(
    engine: LlamaEngine, turn: int, n_tokens: int, wait_s: float
) -> float:
    """Return the milliseconds until the engine is free; no prompt is in its cache."""
    text = "".join(f"x{turn} = {n}\n" for n in range(n_tokens // 4))
    reading = asyncio.ensure_future(read(engine, Prompt((Text(text, "start"),))))
    await asyncio.sleep(wait_s)
    cancelled_at = time.perf_counter()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    # The engine answers requests in order, so this answer proves that the other ended.
    await engine.count_tokens(["x"])
    return (time.perf_counter() - cancelled_at) * 1000


async def read(engine: LlamaEngine, prompt: Prompt) -> None:
    async with aclosing(engine.generate(prompt, LIMITS)) as pieces:
        async for _ in pieces:
            pass


async def measure(path: Path, n_times: int, n_tokens: int) -> list[float]:
    engine = LlamaEngine(Load(str(path), "starcoder2", n_context=n_tokens + 96))
    engine.start()
    await engine.ready()
    choose = random.Random(0)
    started = time.perf_counter()
    await engine.count_tokens(["x"])
    print(f"idle engine, no cancel: {(time.perf_counter() - started) * 1e3:.1f} ms")
    try:
        return [
            await cancelled(engine, turn, n_tokens, choose.uniform(0.05, 1.0))
            for turn in range(n_times)
        ]
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, help="a GGUF file")
    parser.add_argument("--times", type=int, default=100, help="number of cancels")
    parser.add_argument("--tokens", type=int, default=3000, help="length of a prompt")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.model
        if path is None:
            import random_model

            path = Path(folder) / "random-160m.gguf"
            random_model.write(path, random_model.SHAPES["160m"])
        times = asyncio.run(measure(path, arguments.times, arguments.tokens))
    times.sort()
    print(
        f"cancel to free engine, {len(times)} times: p50 {statistics.median(times):.1f} ms, "
        f"p99 {times[int(len(times) * 0.99) - 1]:.1f} ms, worst {times[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
