"""How often a missing line is filled in exactly: HumanEval-Infilling, single line.

    python benchmarks/infilling.py HumanEval-SingleLineInfilling.jsonl.gz [--every 4]

Each row is a function with one line taken out; the cursor stands on an empty line in its
place. The whole pipeline answers (prompt, engine, rules), as `multiline = "never"`.
Data: https://github.com/openai/human-eval-infilling (MIT).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import statistics
from pathlib import Path
from typing import Any

from starcoder_lsp import assemble
from starcoder_lsp.config import Layer, resolve
from starcoder_lsp.flow import Cursor, Document

OPTIONS = {"multiline": "never", "max_tokens": 64, "time_budget_ms": 60_000}


def rows(path: Path, every: int) -> list[dict[str, Any]]:
    raw = (
        gzip.decompress(path.read_bytes())
        if path.suffix == ".gz"
        else path.read_bytes()
    )
    return [json.loads(line) for line in raw.splitlines()][::every]


def cursor_of(row: dict[str, Any]) -> Cursor:
    before, after = row["prompt"], "\n" + row["suffix"]
    return Cursor(Document(before + after, language="python"), len(before))


async def run(path: Path, every: int, options: dict[str, Any]) -> dict[str, Any]:
    settings = resolve([Layer("benchmark", {**OPTIONS, **options})]).settings
    engine = assemble.build_engine(settings.engine, log_level="error")
    engine.start()
    await engine.ready()
    completer = assemble.build_completer(settings, engine)
    data = rows(path, every)
    n_exact, latencies_ms = 0, []
    for row in data:
        completion = await completer.complete(cursor_of(row))
        n_exact += completion.text.strip() == row["canonical_solution"].strip()
        latencies_ms.append(completion.usage.total_ms)
    await engine.close()
    return {
        "model": settings.engine.model,
        "n": len(data),
        "exact_match": round(n_exact / len(data), 4),
        "latency_ms_p50": round(statistics.median(latencies_ms), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every n-th row")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--model-path")
    arguments = parser.parse_args()
    options = {"model": arguments.model}
    if arguments.model_path:
        options["model_path"] = arguments.model_path
    print(json.dumps(asyncio.run(run(arguments.data, arguments.every, options))))


if __name__ == "__main__":
    main()
