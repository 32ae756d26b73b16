"""What a keystroke costs: llama-server, llama-cpp-python, and starcoder-lsp over LSP.

    python benchmarks/keystrokes.py --llama-server PATH [--model GGUF] [--json FILE]

The same model, the same editing traces, about the same context, 8 tokens written each
time, in one run, the three taking turns at every keystroke:

- llama-server's /infill as llama.vim asks it: 256 lines of prefix, 64 of suffix,
  cache_prompt, --cache-reuse 256; prefix-suffix-middle inside;
- `llama_cpp.Llama.create_completion` with a prefix-suffix-middle prompt, as most Python
  tools do it;
- starcoder-lsp, through its stdio: didChange and an explicit inlineCompletion.

llama-server has to be built from the llama.cpp that llama-cpp-python vendors:

    pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36
    tar xf llama_cpp_python-0.3.36.tar.gz
    cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release
    cmake --build build --target llama-server

Without --model a StarCoder2 of 160 million random weights is made (Q8_0): what it
writes means nothing, what it costs is real.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import inspect
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

PREFIX_LINES, SUFFIX_LINES, N_PREDICT = 256, 64, 8
FILE_LINES = 1000
# Our window begins on a grid and is smaller than its budget; this makes it the same.
WINDOW_SLACK = 1.2
STATEMENT = "    result = self._get_formatter(width)"
EVALUATED = re.compile(r"(\d+) of (\d+) prompt tokens evaluated, (\d+) generated")


@dataclass(frozen=True)
class State:
    """A document and the cursor in it after one keystroke."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Cost:
    latency_ms: float
    evaluated: int
    prompt: int
    generated: int


class Engine(Protocol):
    name: str

    def ask(self, state: State) -> Cost: ...

    def cpu_seconds(self) -> float: ...


# Traces


def source(module: Any) -> list[str]:
    text = Path(inspect.getfile(module)).read_text("utf-8")
    return (text.splitlines(keepends=True) * 3)[:FILE_LINES]


def typed(
    file: str, lines: list[str], at: int, text: str, n_first: int = 1
) -> Iterator[State]:
    """The states while `text` is typed on a line of its own before line `at`."""
    before, after = "".join(lines[:at]), "\n" + "".join(lines[at:])
    for n in range(n_first, len(text) + 1):
        yield State(file, before + text[:n], after)


def traces() -> dict[str, list[State]]:
    one, two = source(argparse), source(subprocess)
    half = FILE_LINES // 2
    typing = list(typed("one.py", one, half, STATEMENT))
    accepted = [*one[:half], STATEMENT + "\n"]
    above = [*one[: half - 30], "    done = 1\n", *one[half - 30 :]]
    jumps = [
        state
        for pair in zip(
            typed("one.py", one, half, STATEMENT[:14], 9),
            typed("two.py", two, half, STATEMENT[:14], 9),
            strict=True,
        )
        for state in pair
    ]
    return {
        "typing on one line": typing,
        "accepting and going on": [
            typing[9],
            *typed("one.py", [*accepted, *one[half:]], half + 1, "    return"),
        ],
        "jumping between two files": jumps,
        "deleting back": typing[-1:-12:-1],
        "editing 30 lines above": [
            *typed("one.py", one, half - 30, "    done = 1"),
            *typed("one.py", above, half + 1, STATEMENT[:12]),
        ],
    }


def window(state: State) -> tuple[str, str]:
    """The context that llama.vim sends."""
    prefix = "".join(state.before.splitlines(keepends=True)[-PREFIX_LINES:])
    suffix = "".join(state.after.splitlines(keepends=True)[: SUFFIX_LINES + 1])
    return prefix, suffix


# Engines


def cpu_seconds(*pids: int) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class LlamaServer:
    name = "llama-server /infill"

    def __init__(self, binary: str, model: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        command = [binary, "-m", str(model), "--host", "127.0.0.1", "--port",
                   str(self._port), "-c", "8192", "-b", "4096", "-ub", "512", "-np", "1",
                   "--cache-reuse", "256", "-t", str(os.cpu_count())]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    def _wait(self) -> None:
        address = f"http://127.0.0.1:{self._port}/health"
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(address):
                return
            time.sleep(0.2)
        raise SystemExit("llama-server does not start")

    def ask(self, state: State) -> Cost:
        prefix, suffix = window(state)
        head, newline, line = prefix.rpartition("\n")
        body = {"input_prefix": head + newline, "prompt": line, "input_suffix": suffix,
                "n_predict": N_PREDICT, "temperature": 0.0, "samplers": ["temperature"],
                "cache_prompt": True, "ignore_eos": True, "stream": False}  # fmt: skip
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/infill",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        started = time.perf_counter()
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        latency_ms = (time.perf_counter() - started) * 1000
        timings = answer["timings"]
        prompt = answer.get("tokens_evaluated", 0)
        return Cost(latency_ms, timings["prompt_n"], prompt, timings["predicted_n"])

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class LlamaCppPython:
    name = "llama_cpp.Llama"

    def __init__(self, model: Path) -> None:
        import llama_cpp

        self._llama = llama_cpp.Llama(
            str(model), n_ctx=8192, n_batch=512, n_threads=os.cpu_count(), verbose=False
        )

    def ask(self, state: State) -> Cost:
        prefix, suffix = window(state)
        prompt = f"<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"
        # What generate() finds in its cache is the common beginning with last time.
        tokens = self._llama.tokenize(prompt.encode(), special=True)
        past = self._llama.input_ids[: self._llama.n_tokens].tolist()
        shared = next(
            (i for i, (a, b) in enumerate(zip(past, tokens, strict=False)) if a != b),
            min(len(past), len(tokens)),
        )
        started = time.perf_counter()
        answer: Any = self._llama.create_completion(
            prompt, max_tokens=N_PREDICT, temperature=0.0
        )
        latency_ms = (time.perf_counter() - started) * 1000
        generated = answer["usage"]["completion_tokens"]
        evaluated = len(tokens) - min(shared, len(tokens) - 1)
        return Cost(latency_ms, evaluated, len(tokens), generated)

    def cpu_seconds(self) -> float:
        return cpu_seconds(os.getpid())

    def close(self) -> None: ...


class StarcoderLsp:
    name = "starcoder-lsp over LSP"

    def __init__(self, model: Path, prompt_tokens: int, family_model: str) -> None:
        command = [sys.executable, "-P", "-m", "starcoder_lsp", "--model", family_model,
                   "--model-path", str(model), "--max-prompt-tokens", str(prompt_tokens),
                   "--max-tokens", str(N_PREDICT), "--multiline", "always",
                   "--time-budget-ms", "60000", "--log-level", "info"]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._log: list[str] = []
        threading.Thread(target=self._read_log, daemon=True).start()
        self._ids = 0
        self._version = 1
        self._texts: dict[str, str] = {}
        self._request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": {}}
        )
        self._send({"method": "initialized", "params": {}})
        while "ready" not in str(self._receive().get("params", {})):
            pass

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line.decode(errors="replace"))

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message

    def _request(self, method: str, params: dict[str, Any]) -> Any:
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        while (message := self._receive()).get("id") != self._ids:
            pass
        return message["result"]

    def _change(self, state: State) -> dict[str, Any]:
        """The message that brings the document to the state: one small edit."""
        uri = f"file:///bench/{state.file}"
        text = state.before + state.after
        old = self._texts.get(uri)
        self._texts[uri] = text
        if old is None:
            item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            return {"method": "textDocument/didOpen", "params": {"textDocument": item}}
        self._version += 1
        start = n_common(old, text)
        tail = n_common(old[start:][::-1], text[start:][::-1])
        edit = {
            "range": {"start": place(old, start), "end": place(old, len(old) - tail)},
            "text": text[start : len(text) - tail],
        }
        document = {"uri": uri, "version": self._version}
        params = {"textDocument": document, "contentChanges": [edit]}
        return {"method": "textDocument/didChange", "params": params}

    def ask(self, state: State) -> Cost:
        n_logged = len(self._log)
        change = self._change(state)
        asked = {
            "textDocument": {"uri": change["params"]["textDocument"]["uri"]},
            "position": place(state.before, len(state.before)),
            "context": {"triggerKind": 1},
        }
        started = time.perf_counter()
        self._send(change)
        self._request("textDocument/inlineCompletion", asked)
        latency_ms = (time.perf_counter() - started) * 1000
        while not (found := EVALUATED.search("".join(self._log[n_logged:]))):
            time.sleep(0.001)
        evaluated, prompt, generated = map(int, found.groups())
        return Cost(latency_ms, evaluated, prompt, generated)

    def cpu_seconds(self) -> float:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return cpu_seconds(self._process.pid, *map(int, children.read_text().split()))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def n_common(one: str, two: str) -> int:
    pairs = enumerate(zip(one, two, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(two)))


def place(text: str, offset: int) -> dict[str, int]:
    start = text.rfind("\n", 0, offset) + 1
    return {"line": text.count("\n", 0, offset), "character": offset - start}


# The run


@dataclass
class Row:
    costs: list[Cost] = field(default_factory=list)
    cpu_s: float = 0.0

    def figures(self) -> dict[str, float]:
        latencies = sorted(cost.latency_ms for cost in self.costs)
        cuts = statistics.quantiles(latencies, n=100, method="inclusive")
        mean = statistics.mean
        return {
            "n": len(self.costs),
            "prompt_tokens": round(mean(cost.prompt for cost in self.costs)),
            "evaluated_per_keystroke": round(
                mean(cost.evaluated for cost in self.costs), 1
            ),
            "generated": round(mean(cost.generated for cost in self.costs), 1),
            "latency_ms_p50": round(cuts[49], 1),
            "latency_ms_p90": round(cuts[89], 1),
            "latency_ms_p99": round(cuts[98], 1),
            "cpu_seconds": round(self.cpu_s, 1),
        }


def measure(engines: list[Any], states: list[State]) -> dict[str, Row]:
    rows = {engine.name: Row() for engine in engines}
    for engine in engines:
        engine.ask(states[0])  # the file was open before
    for state in states[1:]:
        for engine in engines:
            before = engine.cpu_seconds()
            rows[engine.name].costs.append(engine.ask(state))
            rows[engine.name].cpu_s += engine.cpu_seconds() - before
    return rows


def random_model(folder: Path) -> Path:
    """A StarCoder2 of 160 million random weights, Q8_0."""
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


def report(results: dict[str, dict[str, dict[str, float]]]) -> None:
    columns = ("prompt_tokens", "evaluated_per_keystroke", "generated",
               "latency_ms_p50", "latency_ms_p90", "latency_ms_p99", "cpu_seconds")  # fmt: skip
    for trace, engines in results.items():
        print(f"\n{trace}, {next(iter(engines.values()))['n']:.0f} keystrokes")
        print(f"{'':24}" + "".join(f"{name.replace('_', ' '):>24}" for name in columns))
        for name, figures in engines.items():
            print(f"{name:24}" + "".join(f"{figures[c]:24}" for c in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama-server", required=True)
    parser.add_argument("--model", type=Path, help="a StarCoder2 in GGUF")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--traces", type=int, help="only so many of them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        model = arguments.model or random_model(Path(folder))
        all_traces = dict(list(traces().items())[: arguments.traces])
        server = LlamaServer(arguments.llama_server, model)
        stack.callback(server.close)
        prompt = server.ask(all_traces["typing on one line"][0]).prompt
        engines = [
            server,
            LlamaCppPython(model),
            StarcoderLsp(model, int(prompt * WINDOW_SLACK), "starcoder2-3b"),
        ]
        stack.callback(engines[-1].close)
        results = {
            trace: {
                name: row.figures() for name, row in measure(engines, states).items()
            }
            for trace, states in all_traces.items()
        }
    report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
