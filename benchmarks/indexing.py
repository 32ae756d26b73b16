"""Compares the CPU time of our parser with that of Universal Ctags.

    python benchmarks/indexing.py --root DIRECTORY

Each reads the same files in one process, one after the other. CPU time depends little on
the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

from starcoder_lsp.context.syntax import parse
from starcoder_lsp.languages import language_of, languages

LARGEST_BYTES = 500_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root", type=Path, required=True, help="the folder of sources"
    )
    root = parser.parse_args().root
    files = [path for path in root.rglob("*") if is_source(path)]
    ours_s, n_definitions, n_bytes = parsed(files)
    ctags_s = ctags(files)
    print(
        json.dumps(
            {
                "files": len(files),
                "megabytes": round(n_bytes / 1e6, 1),
                "languages": Counter(language_of(path) for path in files).most_common(
                    8
                ),
                "definitions": n_definitions,
                "parse_cpu_s": round(ours_s, 2),
                "parse_megabytes_per_s": round(n_bytes / 1e6 / ours_s, 1),
                "ctags_cpu_s": round(ctags_s, 2),
                "ratio": round(ours_s / ctags_s, 2),
            }
        )
    )


def is_source(path: Path) -> bool:
    return (
        path.is_file()
        and bool(languages().get(language_of(path)))
        and bool(languages()[language_of(path)].grammar)
        and path.stat().st_size <= LARGEST_BYTES
    )


def parsed(files: list[Path]) -> tuple[float, int, int]:
    """Return CPU seconds, definitions and bytes; loading the grammars is not measured."""
    for language in {language_of(path) for path in files}:
        parse(language, b"")
    begin, n_definitions, n_bytes = time.process_time(), 0, 0
    for path in files:
        source = path.read_bytes()
        n_bytes += len(source)
        n_definitions += len(parse(language_of(path), source).definitions)
    return time.process_time() - begin, n_definitions, n_bytes


def ctags(files: list[Path]) -> float:
    before = os.times()
    listed = "\n".join(map(str, files)).encode()
    command = ["ctags", "--quiet", "-L", "-", "-f", "-"]
    subprocess.run(
        command,
        input=listed,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


if __name__ == "__main__":
    main()
