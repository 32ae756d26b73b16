"""Compares the cost of a keystroke: llama-server, llama-cpp-python, starcoder-lsp.

    python benchmarks/keystrokes.py [--keys N] [--json FILE] [--plot FILE]

All three run the same model and the same editing traces with about the same context, and
generate 8 tokens for each request. They take turns at every keystroke:

- llama-server's /infill gets the requests of llama.vim: 256 lines of prefix, 64 of
  suffix, cache_prompt, --cache-reuse 256, and a client cache for typing through a
  suggestion. Its prompts are prefix-suffix-middle. It is built from the copy of
  llama.cpp in llama-cpp-python;
- `llama_cpp.Llama.create_completion` gets a prefix-suffix-middle prompt, as most Python
  tools send it;
- starcoder-lsp gets didChange and an explicit inlineCompletion over stdio. It does no
  work in idle times, because that would count for the others.

With --defaults, each has the context that its users get: llama-server the batches of
llama.vim's documentation, which limit its prompts, and starcoder-lsp its own settings.

Without --model, the benchmark makes a StarCoder2 with 160 million random weights (Q8_0):
its output means nothing, but its cost is real.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import plot
from contestants import (
    DOCUMENTED,
    PLAIN,
    WHOLE_CONTEXT,
    Contestant,
    Cost,
    LlamaCppPython,
    LlamaServer,
    StarcoderLsp,
)
from editing import State, abandoned, traces
from llama_cpp_tools import tool

# Our window starts on a grid and is smaller than its budget; this factor evens that out.
WINDOW_SLACK = 1.2
THROUGH = "typing through a suggestion"
CANCELLED = "cancelled by the next key"
KEY_EVERY_S = 0.06
COLUMNS = ("first_ms", "prompt_tokens", "evaluated_per_keystroke", "generated", "latency_ms_p50",
           "latency_ms_p90", "latency_ms_p99", "cpu_seconds")  # fmt: skip

Figures = dict[str, float]


@dataclass
class Row:
    costs: list[Cost] = field(default_factory=list)
    first_ms: float = 0.0
    cpu_s: float = 0.0

    def figures(self) -> Figures:
        latencies = sorted(cost.latency_ms for cost in self.costs)
        cuts = statistics.quantiles(latencies, n=100, method="inclusive")
        mean = statistics.mean
        values = (
            round(self.first_ms, 1),
            round(mean(cost.prompt for cost in self.costs)),
            round(mean(cost.evaluated for cost in self.costs), 1),
            round(mean(cost.generated for cost in self.costs), 1),
            *(round(cuts[percent - 1], 1) for percent in (50, 90, 99)),
            round(self.cpu_s, 1),
        )
        return {"n": len(self.costs), **dict(zip(COLUMNS, values, strict=True))}


def measure(
    contestants: Sequence[Contestant], states: list[State], n_most: int
) -> dict[str, Row]:
    rows = {one.name: Row() for one in contestants}
    for one in contestants:
        rows[one.name].first_ms = one.ask(states[0]).latency_ms
    for state in states[1 : n_most + 1]:
        for one in contestants:
            add(rows[one.name], one, state)
    return rows


def add(row: Row, contestant: Contestant, state: State) -> Cost:
    before = contestant.cpu_seconds()
    row.costs.append(contestant.ask(state))
    row.cpu_s += contestant.cpu_seconds() - before
    return row.costs[-1]


def type_through(
    contestants: Sequence[Contestant], states: list[State]
) -> dict[str, Row]:
    """Type the start of each contestant's own suggestions, one character at a time."""
    rows = {one.name: Row() for one in contestants}
    for one in contestants:
        for state, text in _suggestions(one, states):
            for n in range(1, len(text)):
                add(rows[one.name], one, state.typed(text[:n]))
    return rows


def _suggestions(
    contestant: Contestant, states: list[State]
) -> Iterator[tuple[State, str]]:
    for state in states:
        text = contestant.ask(state).text.partition("\n")[0][:10]
        if len(text) > 3:
            yield state, text


def waste(contestants: Sequence[Contestant], states: list[State]) -> dict[str, Figures]:
    """Return the tokens computed for requests that the next key cancels."""
    found = {}
    for one in contestants:
        one.ask(states[0])
        before, cpu_before = one.n_tokens(), one.cpu_seconds()
        for state in states[1:-1]:
            one.abandon(state, KEY_EVERY_S)
        cost = one.ask(states[-1])
        n_tokens = one.n_tokens() - before - cost.evaluated - cost.generated
        found[one.name] = {
            "n": len(states) - 2,
            "wasted_tokens_per_keystroke": round(n_tokens / (len(states) - 2), 1),
            "cpu_seconds": round(one.cpu_seconds() - cpu_before, 1),
        }
    return found


def random_model(folder: Path) -> Path:
    """Write a StarCoder2 with 160 million random weights in Q8_0."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import llama_cpp
    import random_model as maker

    wide, path = folder / "f16.gguf", folder / "random-160m-q8_0.gguf"
    maker.write(wide, maker.SHAPES["160m"])
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    llama_cpp.llama_model_quantize(
        str(wide).encode(), str(path).encode(), ctypes.byref(params)
    )
    return path


def run(
    contestants: Sequence[Contestant], n_most: int, only: str
) -> dict[str, dict[str, Figures]]:
    """Run all traces whose names contain `only`."""
    results: dict[str, dict[str, Figures]] = {}
    for trace, states in traces().items():
        if only in trace:
            rows = measure(contestants, states, n_most)
            results[trace] = {name: row.figures() for name, row in rows.items()}
            report(trace, results[trace])
    if only in THROUGH:
        line = traces()["typing on one line"]
        rows = type_through(contestants, line[4::12])
        results[THROUGH] = {name: row.figures() for name, row in rows.items()}
        report(THROUGH, results[THROUGH])
    if only in CANCELLED:
        results[CANCELLED] = waste(contestants, list(abandoned()))
        report(CANCELLED, results[CANCELLED])
    return results


def report(trace: str, rows: dict[str, Figures]) -> None:
    columns = [name for name in next(iter(rows.values())) if name != "n"]
    print(f"\n{trace}, {max(row['n'] for row in rows.values()):.0f} keystrokes")
    print(f"{'':24}" + "".join(f"{name.replace('_', ' '):>26}" for name in columns))
    for name, figures in rows.items():
        print(f"{name:24}" + "".join(f"{figures[c]:26}" for c in columns), flush=True)


def draw(results: dict[str, dict[str, Figures]]) -> str:
    groups = {
        trace: {name: row["latency_ms_p50"] for name, row in rows.items()}
        for trace, rows in results.items()
        if trace != CANCELLED
    }
    return plot.bars("From key to suggestion, median", "ms", groups, floor=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a StarCoder2 as a GGUF file")
    parser.add_argument(
        "--keys", type=int, default=100, help="keystrokes of each trace at most"
    )
    parser.add_argument(
        "--only", default="", help="run only traces whose name contains this"
    )
    parser.add_argument(
        "--defaults",
        action="store_true",
        help="each with the context that its users get, instead of the same",
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--plot", type=Path, help="draw the figures as SVG")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        model = arguments.model or random_model(Path(folder))
        batches = DOCUMENTED if arguments.defaults else WHOLE_CONTEXT
        server = LlamaServer(tool("llama-server"), model, batches)
        stack.callback(server.close)
        flags: tuple[str, ...] = ()
        if not arguments.defaults:
            prompt = server.ask(traces()["typing on one line"][0]).prompt
            flags = ("--max-prompt-tokens", str(int(prompt * WINDOW_SLACK)), *PLAIN)
        ours = StarcoderLsp(model, *flags)
        stack.callback(ours.close)
        others = [] if arguments.defaults else [LlamaCppPython(model)]
        results = run([server, *others, ours], arguments.keys, arguments.only)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    if arguments.plot:
        arguments.plot.write_text(draw(results))


if __name__ == "__main__":
    main()
