"""Measures a llama-server that many users type at, through the remote engine.

    python benchmarks/remote.py [--users 1 8 32] [--keys 30] [--gap 1] [--shape tiny] [--json]
    python benchmarks/remote.py --compare [--shape 160m] [--keys 20]

Needs llama-server on the path or in LLAMA_SERVER. Its model has random weights and the
real tokenizer, so that prompts, caches and cancellation are real, and texts are not.
Each user asks once a second, as developers do after pauses in typing, or as `--gap` says.
The users are tasks of one process on the server's machine and take their share of it.
With `--compare` one user types twice at the same server: once through our engine, and
once as llama.vim asks (/infill with 256 lines before and 64 after the cursor, which
llama-server orders prefix, suffix). Both wait for each answer, so that nothing is
cancelled and the times can be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import random_model
from inference_servers import KEY, Running, llama_server, serving_model

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.engines.remote.client import RemoteEngine
from starcoder_lsp.engines.remote.server import server_of
from starcoder_lsp.flow import Cursor, Document, Limits, Usage

FAMILY = families()["starcoder2"]
CONTROLS = frozenset((*FAMILY.controls, *FAMILY.redaction, *FAMILY.stops))
SOURCES = sorted((Path(__file__).parents[1] / "starcoder_lsp").rglob("*.py"))
# What every user types, in the middle of a document of his own.
TYPED = "    result = [transform(value) for value in values if value is not None]\n"
GAP_S = 1.0
N_WRITTEN = 8
LIMITS = Limits(max_tokens=N_WRITTEN, time_budget_ms=60_000)
# llama.vim's defaults: n_prefix, n_suffix (ggml-org/llama.vim, autoload/llama.vim).
VIM_PREFIX_LINES, VIM_SUFFIX_LINES = 256, 64


@dataclass
class User:
    """One user's document, and what became of the keystrokes."""

    before: str
    after: str
    first_token_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)
    n_cancelled: int = 0

    def cursor(self, n_typed: int) -> Cursor:
        typed = (TYPED * 9)[:n_typed]
        text = self.before + typed + self.after
        return Cursor(Document(text, language="python"), len(self.before + typed))


def users(n: int) -> list[User]:
    rows = []
    for i in range(n):
        text = "".join(
            SOURCES[(i * 7 + j) % len(SOURCES)].read_text("utf-8") for j in range(4)
        )
        at = text.index("\n", len(text) // 2) + 1
        rows.append(User(text[:at], text[at:]))
    return rows


def engine_for(running: Running, workspace: str) -> RemoteEngine:
    os.environ["BENCHMARK_KEY"] = KEY
    table = {"kind": running.kind, "url": running.url, "key_env": "BENCHMARK_KEY"}
    return RemoteEngine(
        server_of("benchmark", table),
        CONTROLS,
        n_context=4096,
        workspace=Path(workspace),
    )


async def ask(engine: RemoteEngine, user: User, n_typed: int, limits: Limits) -> Usage:
    """Return the cost of a suggestion; note when its first token came."""
    usage, started = Usage(), time.perf_counter()
    prompt = build_prompt(user.cursor(n_typed), FAMILY, Window.of_tokens(2500))
    is_first = True
    async with aclosing(engine.generate(prompt, limits)) as pieces:
        async for piece in pieces:
            usage = piece.usage
            if is_first and piece.text:
                user.first_token_ms.append((time.perf_counter() - started) * 1000)
                is_first = False
    return usage


async def type_at(engine: RemoteEngine, user: User, n_keys: int, gap_s: float) -> None:
    """Type a text; each key drops the request of the key before."""
    await ask(engine, user, 1, LIMITS)
    user.first_token_ms.clear()
    for n_typed in range(2, n_keys + 2):
        started = time.perf_counter()
        try:
            async with asyncio.timeout(gap_s):
                usage = await ask(engine, user, n_typed, LIMITS)
                user.whole_ms.append((time.perf_counter() - started) * 1000)
                user.evaluated.append(usage.evaluated_tokens)
                await asyncio.sleep(gap_s)
        except TimeoutError:
            if len(user.whole_ms) + user.n_cancelled < n_typed - 1:
                user.n_cancelled += 1


async def load(
    running: Running, n_users: int, n_keys: int, gap_s: float
) -> dict[str, Any]:
    rows = users(n_users)
    engines = [engine_for(running, f"/u{i}") for i in range(n_users)]
    for engine in engines:
        engine.start()
    await asyncio.gather(*(engine.ready() for engine in engines))
    pairs = zip(engines, rows, strict=True)
    await asyncio.gather(
        *(type_at(engine, user, n_keys, gap_s) for engine, user in pairs)
    )
    await asyncio.gather(*(engine.close() for engine in engines))
    answered = [len(user.whole_ms) for user in rows]
    return {
        "users": n_users,
        "first_token_ms": _percentiles(
            [ms for one in rows for ms in one.first_token_ms]
        ),
        "suggestion_ms": _percentiles([ms for one in rows for ms in one.whole_ms]),
        "evaluated_per_answer": _mean([n for one in rows for n in one.evaluated]),
        "cancelled_share": sum(one.n_cancelled for one in rows) / (n_users * n_keys),
        # Jain's index of the answers per user: 1 is fair, 1/n is one user only.
        "fairness": _jain(answered),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 2) if values else 0.0


def _jain(values: Sequence[float]) -> float:
    squares = sum(one * one for one in values)
    return round(sum(values) ** 2 / (len(values) * squares), 3) if squares else 0.0


async def compare(running: Running, n_keys: int) -> dict[str, Any]:
    """Return time and tokens of each keystroke, ours and llama.vim's, on one server."""
    import httpx2

    (user,) = users(1)
    engine = engine_for(running, "/u0")
    engine.start()
    await engine.ready()

    async def ours(n_typed: int) -> int:
        return (await ask(engine, user, n_typed, LIMITS)).evaluated_tokens

    client = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=600
    )

    async def vims(n_typed: int) -> int:
        answer = await client.post(
            f"{running.url}/infill", json=as_llama_vim(user, n_typed)
        )
        return int(answer.json()["timings"]["prompt_n"])

    rows = {
        "ours": await keystrokes(ours, n_keys),
        "llama.vim": await keystrokes(vims, n_keys),
    }
    await client.aclose()
    await engine.close()
    mine, other = rows["ours"], rows["llama.vim"]
    return {
        **rows,
        "time_ratio": round(mine["ms"]["p50"] / other["ms"]["p50"], 3),
        "evaluated_ratio": round(mine["evaluated"] / other["evaluated"], 4),
    }


async def keystrokes(
    one: Callable[[int], Awaitable[int]], n_keys: int
) -> dict[str, Any]:
    await one(1)
    times, evaluated = [], []
    for n_typed in range(2, n_keys + 2):
        started = time.perf_counter()
        evaluated.append(await one(n_typed))
        times.append((time.perf_counter() - started) * 1000)
    return {"ms": _percentiles(times), "evaluated": _mean(evaluated)}


def as_llama_vim(user: User, n_typed: int) -> dict[str, Any]:
    """Return the request that llama.vim makes at a place."""
    cursor = user.cursor(n_typed)
    above = cursor.prefix[: len(cursor.prefix) - len(cursor.line_prefix)]
    prefix = "".join(above.splitlines(keepends=True)[-VIM_PREFIX_LINES:])
    suffix = "".join(cursor.suffix.splitlines(keepends=True)[: VIM_SUFFIX_LINES + 1])
    return {
        "input_prefix": prefix,
        "input_suffix": suffix,
        "input_extra": [],
        "prompt": cursor.line_prefix,
        "n_predict": N_WRITTEN,
        "n_indent": 4,
        "top_k": 40,
        "top_p": 0.9,
        "stream": False,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
    }


def model(shape: str) -> Path:
    path = Path(tempfile.gettempdir()) / f"benchmark-{shape}.gguf"
    if not path.exists():
        random_model.write(path.with_suffix(".partial"), random_model.SHAPES[shape])
        path.with_suffix(".partial").replace(path)
    return path


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    path, n_slots = model(arguments.shape), arguments.slots
    async with serving_model("llama-server", path, n_slots) as running:
        if arguments.compare:
            return await compare(running, arguments.keys)
        rows = [
            await load(running, n, arguments.keys, arguments.gap)
            for n in arguments.users
        ]
        return {"slots": n_slots, "gap_s": arguments.gap, "load": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument(
        "--keys", type=int, default=30, help="keys that each user types"
    )
    parser.add_argument("--gap", type=float, default=GAP_S, help="seconds between keys")
    parser.add_argument("--slots", type=int, default=4, help="slots of the server")
    parser.add_argument("--shape", choices=random_model.SHAPES, default="tiny")
    parser.add_argument("--compare", action="store_true", help="with llama.vim's way")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if not llama_server():
        parser.exit(2, "needs llama-server on the path or in LLAMA_SERVER\n")
    found = asyncio.run(measure(arguments))
    print(json.dumps(found, indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
