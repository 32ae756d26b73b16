"""Compares the prefill and decode speed of our session with that of llama-bench.

    python benchmarks/engine.py MODEL.gguf [--runs 5] [--json FILE]

llama-bench is built from the copy of llama.cpp in llama-cpp-python. Both take turns, and
use the same model, number of threads, prompt (512 tokens, empty cache) and number of new
tokens (64). The text has no repetition, so that drafts do not help us.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
from pathlib import Path

from llama_cpp_tools import tool

from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.flow import Limits, Prompt, Text

N_PROMPT, N_WRITTEN = 512, 64


def ask_llama_bench(model: Path, n_threads: int) -> dict[str, float]:
    """Return tokens per second: prefill with an empty cache, decode after the prompt."""
    read = ("-p", str(N_PROMPT), "-n", "0")
    write = ("-p", "0", "-n", str(N_WRITTEN), "-d", str(N_PROMPT))
    found = {}
    for what, flags in {"prefill": read, "decode": write}.items():
        command = [
            str(tool("llama-bench")), "-m", str(model), "-t", str(n_threads),
            "-o", "json", "-r", "1", "-ngl", "0", *flags,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[what] = json.loads(done.stdout)[0]["avg_ts"]
    return found


def ask_session(session: LlamaSession, turn: int) -> dict[str, float]:
    """Return tokens per second: prefill of a new prompt, decode after it."""
    words = random.Random(turn)
    text = " ".join(f"{words.randrange(10**6):x}" for _ in range(N_PROMPT))
    tokens = session._texts.encode(text)[:N_PROMPT]
    text = b"".join(map(session._vocabulary.bytes_of, tokens)).decode(errors="replace")
    prompt = Prompt((Text(text, "start"),))
    read = list(session.generate(prompt, Limits(0, 600_000), lambda: False))[-1].usage
    session._decoder.drafts = False
    session._is_last = lambda prompt: lambda token: False  # type: ignore[method-assign]  # a random model may end the text
    piece = list(session.generate(prompt, Limits(N_WRITTEN, 600_000), lambda: False))[
        -1
    ]
    seconds = (piece.usage.total_ms - piece.usage.first_token_ms) / 1000
    return {
        "prefill": read.evaluated_tokens / read.total_ms * 1000,
        "decode": (piece.usage.generated_tokens - 1) / seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="runs of each")
    parser.add_argument("--threads", type=int, default=hardware.n_cores())
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    hardware.limit_spinning()
    library.set_up()
    session = LlamaSession(
        LlamaModel(arguments.model),
        n_context=1024,
        n_threads=arguments.threads,
        n_slots=1,
    )
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    ask_session(session, -1)  # reads the weights from the disk
    for turn in range(arguments.runs):
        theirs.append(ask_llama_bench(arguments.model, arguments.threads))
        ours.append(ask_session(session, turn))
    rows = {}
    print(f"{'tokens/s':10}{'llama-bench':>13}{'session':>10}{'ratio':>8}")
    for what in ("prefill", "decode"):
        there = statistics.median(run[what] for run in theirs)
        here = statistics.median(run[what] for run in ours)
        ratios = [a[what] / b[what] for a, b in zip(ours, theirs, strict=True)]
        ratio = statistics.median(ratios)
        rows[what] = {"llama_bench": there, "session": here, "ratio": ratio}
        print(f"{what:10}{there:13.1f}{here:10.1f}{ratio:8.2f}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
