"""Starts real inference servers with the random StarCoder2, for tests and measurements."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

KEY = "key-of-the-tests"
# vLLM on a CPU takes five minutes.
PATIENCE_S = 600.0
# What converters leave out of StarCoder2's header: <file_sep> ends a text, too.
ENDS = "tokenizer.ggml.fim_rep_token_id=int:5,tokenizer.ggml.fim_sep_token_id=int:6"


@dataclass(frozen=True)
class Running:
    """A server that answers: its kind in our settings, its address, its process."""

    kind: str
    url: str
    pid: int


def llama_server() -> str | None:
    """Return llama-server's program, from LLAMA_SERVER or the path; None without it."""
    return os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")


def vllm() -> bool:
    """Return whether vLLM and a model for it are named by the environment."""
    return {"VLLM_PYTHON", "STARCODER_HF_MODEL"} <= os.environ.keys()


def command_of(kind: str, model: Path, port: int, n_slots: int = 2) -> Sequence[str]:
    at = ["--host", "127.0.0.1", "--port", str(port)]
    if kind == "llama-server":
        program = llama_server()
        assert program is not None
        return [
            program, "-m", str(model), "--alias", "tiny", *at, "--api-key", KEY,
            "-np", str(n_slots), "-c", str(4096 * n_slots), "-t", "1", "--device", "none",
            "--override-kv", ENDS,
        ]  # fmt: skip
    if kind == "vllm":
        # The module, because the command of some builds looks for another package.
        return [
            os.environ["VLLM_PYTHON"], "-m", "vllm.entrypoints.openai.api_server",
            "--model", os.environ["STARCODER_HF_MODEL"], "--served-model-name", "tiny",
            *at, "--api-key", KEY, "--dtype", "float32", "--enforce-eager",
            "--max-model-len", "4096", "--max-num-seqs", str(n_slots),
            "--enable-prompt-tokens-details",
        ]  # fmt: skip
    return [
        sys.executable, "-m", "llama_cpp.server", "--model", str(model),
        "--model_alias", "tiny", *at, "--api_key", KEY, "--n_ctx", "4096",
        "--n_threads", "1",
    ]  # fmt: skip


def _environment(command: Sequence[str]) -> Mapping[str, str]:
    folder = str(Path(command[0]).resolve().parent)
    # Threads that spin make a busy machine a hundred times slower.
    offline = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    threads = {"GOMP_SPINCOUNT": "1000", "VLLM_CPU_KVCACHE_SPACE": "1"}
    return {**os.environ, **offline, **threads, "LD_LIBRARY_PATH": folder}


def _answers(url: str) -> bool:
    request = Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@asynccontextmanager
async def serving_model(
    kind: str, model: Path, n_slots: int = 2
) -> AsyncIterator[Running]:
    """Run a server of a kind, such as `llama-server`, until it answers and after."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = command_of(kind, model, port, n_slots)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(command),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not _answers(url):
                assert process.returncode is None, "the server has ended"
                await asyncio.sleep(0.2)
        yield Running(kind, url, process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
