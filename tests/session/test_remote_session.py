"""A session whose model is on a server: what the user reads, and what the server gets."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

import canaries
import dialects as speak
import pytest
from conftest import StartServer
from http_server import HttpServer, reply, serving
from lsp_client import PATIENCE_S, Client

from starcoder_lsp.languages import language_of

KEY = "\n".join(canaries.made("{b6464}", n) for n in range(12))
DOCUMENT = (
    f'KEY = """-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"""\n'
    f'password = "{canaries.PASSWORDS[1]}"\n'
    + "".join(f"value_{n} = compute_{n}(value)\n" for n in range(20))
)
# Nothing of these is sent, even if they are open.
HIDDEN = (".env", "database.yml", ".docker/config.json", "ignored.py")


def configure(server: HttpServer, kind: str, more: str = "") -> None:
    Path(os.environ["STARCODER_LSP_CONFIG"]).write_text(
        f'engine = "work"\n{more}\n[engines.work]\nkind = "{kind}"\n'
        f'url = "{server.address}"\nmodel = "{speak.MODEL}"\n'
    )


async def opened(start_server: StartServer, folder: Path) -> Client:
    client = await start_server("--debounce-ms", "0")
    await client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "w"}])
    return client


async def suggested(client: Client, uri: str, line: int, character: int) -> list[str]:
    """Ask until it is known that the server may read the file."""
    async with asyncio.timeout(PATIENCE_S):
        while not (texts := await client.complete(uri, line, character)):
            await asyncio.sleep(0.05)
    return texts


async def message_with(client: Client, words: str) -> str:
    """Wait for a message box or a status that holds `words`."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for one in client.notifications:
                message = str((one.get("params") or {}).get("message", ""))
                if words in message:
                    return message
            client._arrived.clear()
            await client._arrived.wait()


@pytest.mark.parametrize("kind", ["llama-server", "openai"])
async def test_no_secret_reaches_a_server(
    start_server: StartServer, tmp_path: Path, kind: str
) -> None:
    files, secrets = canaries.workspace()
    folder = tmp_path / "w"
    (folder / ".git").mkdir(parents=True)
    files |= {
        ".gitignore": "ignored.py\n",
        "ignored.py": "def from_an_ignored_file(): ...\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    async with serving(speak.answers_of(kind, ["word"])) as server:
        configure(server, kind)
        client = await opened(start_server, folder)
        uri = (folder / "main.py").as_uri()
        client.open(uri, DOCUMENT)
        await client.until_ready("work")
        line = DOCUMENT.count("\n")
        assert (await suggested(client, uri, line, 0))[0] == "word"
        # Each canary stands in the document itself, too.
        for name, text in files.items():
            if name not in HIDDEN:
                other = (folder / f"open_{name}").as_uri()
                client.open(other, text, language_of(Path(name)))
                await suggested(client, other, text.count("\n"), 0)
        (folder / "plain.txt").write_text(files[".env"])
        (folder / ".netrc").symlink_to(folder / "plain.txt")
        hidden_files = {(folder / name).as_uri(): files[name] for name in HIDDEN}
        hidden_files |= {
            (folder / ".netrc").as_uri(): files[".env"],
            # A client that takes paths for URIs, and a file on another machine.
            f"{folder}/.env.local": files[".env"],
            "sftp://host/home/me/.env": files[".env"],
        }
        for hidden_file, text in hidden_files.items():
            client.open(hidden_file, text + "\n")
            for _ in range(10):
                assert not await client.complete(hidden_file, 1, 0)
                await asyncio.sleep(0.1)
        told = await message_with(client, "sends the text around your cursor")
        assert server.address in told
        assert str(folder) in told
        await client.shutdown()
    received = server.received.decode()
    assert "compute_19" in received
    assert "from_an_ignored_file" not in received
    hidden = {*secrets, *KEY.split("\n")}
    assert [one for one in hidden if one in received] == []


async def test_nothing_is_asked_ahead_of_a_shared_server_unless_the_user_says_so(
    start_server: StartServer, tmp_path: Path
) -> None:
    for wish in ("auto", "always"):
        async with serving(speak.answers_of("openai", ["word"])) as server:
            asked = partial(server.bodies, "/v1/completions")
            configure(server, "openai", f'speculate = "{wish}"')
            client = await opened(start_server, tmp_path)
            uri = (tmp_path / f"{wish}.py").as_uri()
            client.open(uri, "x = 1\ny = ")
            await client.until_ready("work")
            assert await suggested(client, uri, 1, 4)
            if wish == "always":
                async with asyncio.timeout(PATIENCE_S):
                    await server.until(
                        lambda: len(server.bodies("/v1/completions")) > 1
                    )
            else:
                # Work ahead begins 0.2 s after an answer at the earliest.
                await asyncio.sleep(1)
                assert len(asked()) == 1
            await client.shutdown()


async def test_the_user_reads_what_is_wrong_with_a_server(
    start_server: StartServer, tmp_path: Path
) -> None:
    wrong_key = {**speak.answers_of("openai"), "/v1/completions": reply(401)}
    async with serving(wrong_key) as server:
        configure(server, "openai")
        client = await opened(start_server, tmp_path)
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, "x = 1\ny = ")
        await client.until_ready("work")
        async with asyncio.timeout(PATIENCE_S):
            while not server.bodies("/v1/completions"):
                await asyncio.sleep(0.05)
                assert await client.complete(uri, 1, 4) == []
        told = await message_with(client, "refuses the key")
        assert "starcoder.restart" in await message_with(client, "starcoder.restart")
        assert "none is set" in told
        await client.shutdown()
