"""Gives llama-server, llama-cpp-python and starcoder-lsp the same interface."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from editing import State
from lsp import Server

PREFIX_LINES, SUFFIX_LINES, N_PREDICT = 256, 64, 8
# Parts of our server's explanation of a request, and of its engine's log.
PROMPT = re.compile(r"prompt: (\d+) tokens, \d+ of them cached, (\d+) evaluated")
GENERATED = re.compile(r"generated: (\d+) tokens in ([\d.]+) ms")
CANCELLED = re.compile(r"cancelled, (\d+) tokens evaluated, (\d+) generated")
KNOWN = "decision: known already"
# These settings switch off work ahead, context from other files and alternatives.
PLAIN = ("--speculate", "never", "--latency-target-ms", "60000", "--context", "false")
# These make costs comparable and visible, and change nothing that is compared.
VISIBLE = ("--alternatives", "1", "--multiline", "always", "--time-budget-ms", "60000",
           "--kv-cache-mb", "0", "--statistics", "false", "--log-level", "info")  # fmt: skip
# Batches so large that llama-server's /infill admits the whole context, and those of
# llama.vim's documentation, which limit the prompt.
WHOLE_CONTEXT, DOCUMENTED = ("-b", "4096", "-ub", "512"), ("-b", "1024", "-ub", "1024")


@dataclass(frozen=True)
class Cost:
    latency_ms: float
    evaluated: int
    prompt: int
    generated: int
    text: str = ""
    engine_ms: float = 0.0


class Contestant(Protocol):
    name: str

    def ask(self, state: State) -> Cost: ...

    def abandon(self, state: State, after_s: float) -> None:
        """Send a request, and cancel it after `after_s` seconds."""

    def n_tokens(self) -> int:
        """Return the tokens evaluated and generated so far, with those of cancelled requests."""

    def cpu_seconds(self) -> float: ...

    def close(self) -> None: ...


def window(state: State) -> tuple[str, str]:
    """Return the prefix and the suffix that llama.vim sends."""
    prefix = "".join(state.before.splitlines(keepends=True)[-PREFIX_LINES:])
    suffix = "".join(state.after.splitlines(keepends=True)[: SUFFIX_LINES + 1])
    return prefix, suffix


def cpu_seconds(*pids: int) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class LlamaServer:
    """llama-server behind llama.vim's client cache, which answers while typing through."""

    name = "llama-server /infill"

    def __init__(
        self, binary: Path, model: Path, batches: tuple[str, ...] = WHOLE_CONTEXT
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        command = [str(binary), "-m", str(model), "--host", "127.0.0.1", "--port",
                   str(self._port), "-c", "8192", *batches, "-np", "1",
                   "--cache-reuse", "256", "--metrics", "-t", str(os.cpu_count())]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._answers: dict[str, str] = {}
        for _ in range(300):
            with contextlib.suppress(OSError):
                if self._get("/health")[0] == 200:
                    return
            time.sleep(0.2)
        raise SystemExit("llama-server does not start")

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def _begin(self, state: State) -> http.client.HTTPConnection:
        prefix, suffix = window(state)
        head, newline, line = prefix.rpartition("\n")
        body = {"input_prefix": head + newline, "prompt": line, "input_suffix": suffix,
                "n_predict": N_PREDICT, "temperature": 0.0, "samplers": ["temperature"],
                "cache_prompt": True, "ignore_eos": True, "stream": False}  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request(
            "POST", "/infill", json.dumps(body), {"Content-Type": "application/json"}
        )
        return connection

    def ask(self, state: State) -> Cost:
        started = time.perf_counter()
        for n in range(1, 129):  # llama.vim looks back this many characters
            known = self._answers.get(state.before[:-n])
            if known is not None and known.startswith(state.before[-n:]):
                spent_ms = (time.perf_counter() - started) * 1000
                return Cost(spent_ms, 0, 0, 0, known[n:])
        answer = json.load(self._begin(state).getresponse())
        latency_ms = (time.perf_counter() - started) * 1000
        text = answer["content"]
        self._answers[state.before] = text
        timings = answer["timings"]
        prompt = answer.get("tokens_evaluated", 0)
        return Cost(
            latency_ms, timings["prompt_n"], prompt, timings["predicted_n"], text
        )

    def abandon(self, state: State, after_s: float) -> None:
        connection = self._begin(state)
        time.sleep(after_s)
        connection.close()

    def n_tokens(self) -> int:
        # llama-server counts a cancelled task when the next one starts.
        metrics = dict(
            line.rsplit(" ", 1)
            for line in self._get("/metrics")[1].splitlines()
            if not line.startswith("#")
        )
        names = ("llamacpp:prompt_tokens_total", "llamacpp:tokens_predicted_total")
        return sum(int(float(metrics[name])) for name in names)

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class LlamaCppPython:
    """`create_completion` with a prefix-suffix-middle prompt; it cannot be cancelled."""

    name = "llama_cpp.Llama"

    def __init__(self, model: Path) -> None:
        import llama_cpp

        self._llama = llama_cpp.Llama(
            str(model), n_ctx=8192, n_batch=512, n_threads=os.cpu_count(), verbose=False
        )
        self._n_tokens = 0

    def ask(self, state: State) -> Cost:
        prefix, suffix = window(state)
        prompt = f"<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"
        # generate() reuses the tokens that the prompt shares with the last one.
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
        self._n_tokens += evaluated + generated
        text = answer["choices"][0]["text"]
        return Cost(latency_ms, evaluated, len(tokens), generated, text)

    def abandon(self, state: State, after_s: float) -> None:
        self.ask(state)

    def n_tokens(self) -> int:
        return self._n_tokens

    def cpu_seconds(self) -> float:
        return cpu_seconds(os.getpid())

    def close(self) -> None: ...


class StarcoderLsp:
    """starcoder-lsp over LSP: a small edit and an explicit request, as editors send them."""

    name = "starcoder-lsp over LSP"

    def __init__(self, model: Path, *flags: str) -> None:
        from starcoder_lsp.settings.options import RULES

        self._server = Server(
            "--model", "starcoder2-3b", "--model-path", str(model),
            "--max-tokens", str(N_PREDICT), "--disabled-rules", ",".join(RULES),
            *VISIBLE, *flags,
        )  # fmt: skip
        self._n_tokens = 0

    def ask(self, state: State) -> Cost:
        edit, position = self._server.edit(state), state.position
        started = time.perf_counter()
        self._server.notify(*edit)
        found = self._server.answer(self._server.begin_completion(state, position))
        latency_ms = (time.perf_counter() - started) * 1000
        items = found["items"] if found else []
        text = items[0]["insertText"] if items else ""
        told = self._server.request(
            "workspace/executeCommand", {"command": "starcoder.explain"}
        )
        prompt, generated = PROMPT.search(told), GENERATED.search(told)
        if KNOWN in told or not prompt or not generated:
            return Cost(latency_ms, 0, 0, 0, text)
        n_prompt, n_evaluated = map(int, prompt.groups())
        n_generated, engine_ms = int(generated[1]), float(generated[2])
        self._n_tokens += n_evaluated + n_generated
        return Cost(latency_ms, n_evaluated, n_prompt, n_generated, text, engine_ms)

    def abandon(self, state: State, after_s: float) -> None:
        self._server.show(state)
        request_id = self._server.begin_completion(state)
        time.sleep(after_s)
        self._server.notify("$/cancelRequest", {"id": request_id})

    def n_tokens(self) -> int:
        lost = [CANCELLED.search(line) for line in self._server.log]
        return self._n_tokens + sum(int(m[1]) + int(m[2]) for m in lost if m)

    def cpu_seconds(self) -> float:
        return cpu_seconds(*self._server.pids())

    def close(self) -> None:
        self._server.close()
