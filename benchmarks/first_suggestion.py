"""Compares the first suggestion of a new installation with the bare library.

    python benchmarks/first_suggestion.py [--runs 5]

The library loads the model, reads 256 tokens and writes 18, with its own defaults.
`starcoder-lsp complete examples/fibonacci.py` has an empty cache directory each time: no
index, no measured speed, no KV cache. Both run in new processes and take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from starcoder_lsp.models import registry
from starcoder_lsp.settings import assemble

ROOT = Path(__file__).parent.parent
BARE = """
import json, sys, time
import llama_cpp
started = time.perf_counter()
llm = llama_cpp.Llama(sys.argv[1], n_ctx=512, verbose=False)
loaded = time.perf_counter()
tokens = llm.tokenize(b"def area(width, height):" * 80)[:256]
for n, _ in enumerate(llm.generate(tokens, temp=0.0)):
    if n == 17:
        break
print(json.dumps({"load": loaded - started, "all": time.perf_counter() - started}))
"""


def bare(model: Path) -> dict[str, float]:
    command = [sys.executable, "-c", BARE, str(model)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def complete() -> dict[str, float]:
    """Return the seconds of the whole command, and the tokens of its prompt."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-P", "-m", "starcoder_lsp", "complete",
                   "examples/fibonacci.py", "--json"]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(
            command,
            capture_output=True,
            check=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "STARCODER_LSP_CACHE": cache},
        )
        seconds = time.perf_counter() - started
    return {"all": seconds, "prompt": json.loads(done.stdout)["prompt_tokens"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    model = assemble.store().locate(registry.find("smollm2-135m"))
    rows = []
    for _ in range(arguments.runs):
        there, here = bare(model), complete()
        ratio = here["all"] / there["all"]
        rows.append(ratio)
        print(
            f"library {there['all']:.2f} s (load {there['load']:.2f} s), complete "
            f"{here['all']:.2f} s with {here['prompt']} prompt tokens, ratio {ratio:.1f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(rows):.2f}")


if __name__ == "__main__":
    main()
