"""Measures a completion on an idle and on a busy machine, with two spin counts of OpenMP.

    python benchmarks/busy_machine.py MODEL.gguf [--runs 5]

Each run starts a new engine, which reads a prompt of about 150 tokens and generates 16.
"busy" runs one endless loop per core beside it, like a compiler. The settings take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

PROMPT = (
    "def fibonacci(n):\n    # The n-th Fibonacci number.\n    if n < 2:\n"
    "        return n\n    return fibonacci(n - 1) + "
)
ENGINE = f"""
import json, os, pathlib, sys
from starcoder_lsp.engines.llama.machine import hardware
if sys.argv[2] == "ours":
    hardware.limit_spinning()
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.flow import Limits, Prompt, Text
library.set_up()
model = library.LlamaModel(pathlib.Path(sys.argv[1]))
engine = LlamaSession(model, n_context=1024, n_threads=hardware.n_cores())
prompt = Prompt((Text({PROMPT!r} * 4),))
usage = list(engine.generate(prompt, Limits(16, 120_000), lambda: False))[-1].usage
print(json.dumps([usage.first_token_ms, usage.total_ms]))
"""


@contextlib.contextmanager
def busy(n_loops: int) -> Iterator[None]:
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(n_loops)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measured(model: str, waiting: str) -> tuple[float, float]:
    command = [sys.executable, "-c", ENGINE, model, waiting]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, total = json.loads(done.stdout)
    return first, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="runs of each setting")
    arguments = parser.parse_args()
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(arguments.runs):
        for load, n_loops in (("idle", 0), ("busy", os.cpu_count() or 1)):
            for waiting in ("default", "ours"):
                with busy(n_loops):
                    row = measured(arguments.model, waiting)
                rows.setdefault((load, waiting), []).append(row)
    print(
        f"machine  spin count   first token  all tokens (medians of {arguments.runs})"
    )
    for (load, waiting), values in rows.items():
        first = statistics.median(first for first, _ in values)
        total = statistics.median(total for _, total in values)
        print(f"{load:8} {waiting:12} {first:8.0f} ms {total:8.0f} ms")


if __name__ == "__main__":
    main()
