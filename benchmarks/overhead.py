"""Measures the time outside the model: LSP, documents, prompt building, pipes.

    python benchmarks/overhead.py [--json FILE]

A line is typed in the middle of a file; the figure is the time from key to answer minus
the engine's own time. The model is a StarCoder2 with two small layers, which takes so
little time that the difference has little noise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from contestants import PLAIN, StarcoderLsp
from editing import STATEMENT, source, typed

FILE_LINES = (1_000, 20_000)
ROUNDS = 6
PROMPT_TOKENS = 2048


def overheads(contestant: StarcoderLsp, n_lines: int) -> list[float]:
    """Return the milliseconds outside the model, one value for each keystroke."""
    lines = source(argparse, n_lines)
    found = []
    for n_round in range(ROUNDS):
        at = n_lines // 2 + n_round
        states = list(typed(f"{n_lines}.py", lines, at, STATEMENT))
        contestant.ask(states[0])
        for state in states[1:]:
            cost = contestant.ask(state)
            if cost.generated:
                found.append(cost.latency_ms - cost.engine_ms)
    return found


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--context", action="store_true", help="use context from other files"
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import random_model

    results = {}
    flags = ("--context", "true") if arguments.context else ()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "tiny.gguf"
        random_model.write(model)
        contestant = StarcoderLsp(
            model, "--max-prompt-tokens", str(PROMPT_TOKENS), *PLAIN, *flags
        )
        for n_lines in FILE_LINES:
            cuts = statistics.quantiles(
                overheads(contestant, n_lines), n=100, method="inclusive"
            )
            results[n_lines] = {
                "p50_ms": round(cuts[49], 2),
                "p99_ms": round(cuts[98], 2),
            }
            print(f"{n_lines:6} lines: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms")
        contestant.close()
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
