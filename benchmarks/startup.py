"""Measures the time from the start of the process to its reply to `initialize`.

    python benchmarks/startup.py [--runs 15] [--json]

starcoder-lsp and a bare pygls server take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

BARE = (
    "from pygls.lsp.server import LanguageServer\n"
    "LanguageServer('bare', '0').start_io()\n"
)
SERVERS = {
    "bare pygls": [sys.executable, "-c", BARE],
    "starcoder-lsp": [sys.executable, "-P", "-m", "starcoder_lsp", "--stdio"],
}
# Users have compiled modules, which pip has made for pygls too.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"processId": None, "rootUri": None, "capabilities": {}},
}


def reply_ms(command: list[str]) -> float:
    body = json.dumps(INITIALIZE).encode()
    message = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(message)
        process.stdin.flush()
        process.stdout.readline()
        elapsed = (time.perf_counter() - started) * 1000
        process.kill()
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="starts of each server")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    for command in SERVERS.values():
        reply_ms(command)
    times: dict[str, list[float]] = {name: [] for name in SERVERS}
    for _ in range(arguments.runs):
        for name, command in SERVERS.items():
            times[name].append(reply_ms(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    minima = {name: min(values) for name, values in times.items()}
    difference = medians["starcoder-lsp"] - medians["bare pygls"]
    if arguments.json:
        print(
            json.dumps(
                {
                    "median_ms": medians,
                    "minimum_ms": minima,
                    "difference_ms": difference,
                }
            )
        )
        return
    for name in SERVERS:
        print(
            f"{name:14} median {medians[name]:5.0f} ms, minimum {minima[name]:5.0f} ms"
        )
    print(f"{'difference':14} median {difference:5.0f} ms")


if __name__ == "__main__":
    main()
