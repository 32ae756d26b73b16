"""A session leaves no secret on disk."""

from __future__ import annotations

import asyncio
import json
from array import array
from pathlib import Path

import canaries
from conftest import StartServer
from lsp_client import PATIENCE_S

from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.runtime.paths import cache_dir

FLAGS = ("--model", "starcoder2-3b", "--max-tokens", "4", "--alternatives", "1",
         "--speculate", "never", "--latency-target-ms", "60000", "--debounce-ms", "0")  # fmt: skip
TYPED = canaries.made("{an24}")
KEY = "\n".join(canaries.made("{b6464}", n) for n in range(12))
DOCUMENT = (
    f'KEY = """-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"""\n'
    f'password = "{canaries.PASSWORDS[1]}"\n'
    + "".join(f"value_{n} = compute_{n}(value)\n" for n in range(40))
)


def read_of(file: Path, model: Path) -> str:
    """Return a file of the cache as text; a KV file as the text of its tokens."""
    raw = file.read_bytes()
    if file.suffix != ".kv":
        return raw.decode("utf-8", "replace")
    header, _, body = raw.partition(b"\n")
    n_bytes = json.loads(header)["n_tokens"] * array("i").itemsize
    vocabulary = LlamaModel(model, vocab_only=True).vocabulary
    tokens = array("i", body[:n_bytes])
    return b"".join(map(vocabulary.bytes_of, tokens)).decode("utf-8", "replace")


async def test_no_secret_is_in_any_file_of_the_cache_after_a_session(
    start_server: StartServer, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    """Also when the editor ends in the middle of typing a key."""
    files, secrets = canaries.workspace()
    folder = tmp_path / "w"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    client = await start_server("--model-path", str(tiny_starcoder2), *FLAGS)
    await client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "w"}])
    uri = (folder / "main.py").as_uri()
    client.open(uri, DOCUMENT)
    await client.until_ready("starcoder2-3b")
    line = DOCUMENT.count("\n")
    before = 'pin = compute_1("'
    for version, n in enumerate(range(4, len(TYPED) - 2, 4), start=2):
        written = before + TYPED[:n]
        change = {"text": DOCUMENT + written}
        document = {"uri": uri, "version": version}
        params = {"textDocument": document, "contentChanges": [change]}
        client.notify("textDocument/didChange", params)
        _, answer = client.inline(uri, line, len(written))
        assert "error" not in await asyncio.wait_for(answer, PATIENCE_S)
    await client.shutdown()
    library.set_up()
    texts = {
        file.relative_to(cache_dir()): read_of(file, tiny_starcoder2)
        for file in sorted(cache_dir().rglob("*"))
        if file.is_file()
    }
    suffixes = {path.suffix for path in texts}
    assert {".kv", ".sqlite"} <= suffixes
    (kept,) = (text for path, text in texts.items() if path.suffix == ".kv")
    assert "value_39 = compute_39(value)\n" in kept
    hidden = {*secrets, *KEY.split("\n")}
    for path, text in texts.items():
        assert [one for one in hidden if one in text] == [], path
    # Nothing knows this one; it stands on the line that was being typed.
    assert TYPED[:4] not in kept
