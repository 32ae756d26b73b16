"""Other files of the workspace in real prompts, over real stdio."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from conftest import StartServer
from lsp_client import PATIENCE_S, Client, indexers_of

CALL = "import util\n\n\ndef main():\n    "
TYPED = "total = util.scaled_sum(3"
PROMPT = re.compile(r"prompt: (\d+) tokens, \d+ of them cached, (\d+) evaluated")
FLAGS = ("--model", "starcoder2-3b", "--multiline", "never", "--max-tokens", "4",
         "--alternatives", "1", "--speculate", "never", "--latency-target-ms", "60000")  # fmt: skip


def change(
    client: Client,
    uri: str,
    version: int,
    start: tuple[int, int],
    end: tuple[int, int],
    text: str,
) -> None:
    span = [{"line": line, "character": column} for line, column in (start, end)]
    edit = {"range": dict(zip(("start", "end"), span, strict=True)), "text": text}
    document = {"uri": uri, "version": version}
    params = {"textDocument": document, "contentChanges": [edit]}
    client.notify("textDocument/didChange", params)


async def explained(client: Client, uri: str, column: int) -> str:
    """Ask for a completion at a column of line 4, then for its explanation."""
    _, answer = client.inline(uri, 4, column)
    await asyncio.wait_for(answer, PATIENCE_S)
    return str(
        await client.ask("workspace/executeCommand", {"command": "starcoder.explain"})
    )


async def opened(
    start_server: StartServer, model: Path, folder: Path
) -> tuple[Client, str]:
    """A client in a project whose `main.py` calls a function of its `util.py`."""
    names = ("scaled_sum", "scaled_mean", "clamp", "total_of")
    util = "".join(
        f"def {name}(values, factor):\n    return factor\n\n\n" for name in names
    )
    (folder / "util.py").write_text(util)
    client = await start_server("--model-path", str(model), *FLAGS)
    await client.initialize(
        workspaceFolders=[{"uri": folder.as_uri(), "name": "project"}]
    )
    uri = (folder / "main.py").as_uri()
    client.open(uri, CALL + TYPED[:4])
    await client.until_ready("starcoder2-3b")
    return client, uri


async def until_shown(client: Client, uri: str, version: int) -> int:
    """Ask until the prompt holds the other file; return the document's version then."""
    text = ""
    async with asyncio.timeout(PATIENCE_S):
        # The index is being made; an answer that is known is not made again.
        while "util.py:1" not in text:
            version += 1
            change(client, uri, version, (1, 0), (1, 9), f"# {version}")
            text = await explained(client, uri, 8)
            await asyncio.sleep(0)
    return version


async def test_snippets_stay_the_same_while_the_user_types(
    start_server: StartServer, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    client, uri = await opened(start_server, tiny_starcoder2, tmp_path)
    version = await until_shown(client, uri, 1)
    evaluated = []
    for column, character in enumerate(TYPED[4:], 8):
        version += 1
        change(client, uri, version, (4, column), (4, column), character)
        found = PROMPT.search(await explained(client, uri, column + 1))
        assert found is not None
        n_prompt = int(found[1])
        evaluated.append(int(found[2]))
    # A pause of the machine may let it change once.
    assert sum(evaluated[1:]) / len(evaluated[1:]) < n_prompt / 4
    assert sorted(evaluated)[len(evaluated) // 2] <= 2
    await client.shutdown()


def configure(client: Client, **options: object) -> None:
    params = {"settings": {"starcoder": options}}
    client.notify("workspace/didChangeConfiguration", params)


async def test_context_can_be_switched_off_and_on_while_running(
    start_server: StartServer, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    client, uri = await opened(start_server, tiny_starcoder2, tmp_path)
    version = await until_shown(client, uri, 1)
    pid = client.process.pid
    assert indexers_of(pid)
    configure(client, context=False)
    assert "util.py" not in await explained(client, uri, 8)
    async with asyncio.timeout(PATIENCE_S):
        while indexers_of(pid):
            await asyncio.sleep(0.01)
    configure(client, context=True)
    await until_shown(client, uri, version)
    assert len(indexers_of(pid)) == 1
    assert await client.shutdown() == 0
