"""A project's settings apply, however the editor names its folder and languages."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from conftest import StartServer
from lsp_client import PATIENCE_S, Client


def uri(path: Path | bytes, host: str = "") -> str:
    return f"file://{host}" + quote_from_bytes(os.fsencode(path))


async def told(client: Client, root: str, document: str, language: str) -> list[str]:
    """Return the status after a request for a completion in a document."""
    folders = [{"uri": root, "name": "w"}]
    options = {"context": False}
    await client.initialize(
        rootUri=root, workspaceFolders=folders, initializationOptions=options
    )
    client.open(document, "x = ", language=language)
    _, answer = client.inline(document, 0, 4)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    status = [one for one in client.notifications if one["method"] == "didChangeStatus"]
    return [one["params"]["message"] for one in status]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    real = tmp_path / "real"
    (real / "src").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (real / ".starcoder.toml").write_text("enabled = false\n")
    return tmp_path


@pytest.mark.parametrize(
    ("root", "document", "host"),
    [
        ("real", "real/src/a.py", ""),
        ("link", "real/src/a.py", ""),
        ("real", "link/src/a.py", ""),
        ("real", "real/src/../src/a.py", ""),
        ("real", "real/src/a.py", "localhost"),
    ],
)
async def test_links_and_other_spellings_of_a_folder_find_its_settings(
    start_server: StartServer, project: Path, root: str, document: str, host: str
) -> None:
    client = await start_server("--download", "never")
    messages = await told(
        client, uri(project / root, host), uri(project / document, host), "python"
    )
    assert "disabled by `enabled`" in messages


async def test_a_folder_whose_name_is_not_utf_8_has_its_settings(
    start_server: StartServer, tmp_path: Path
) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        root.mkdir()
    except OSError as exc:
        pytest.skip(f"this file system wants UTF-8: {exc}")
    (root / ".starcoder.toml").write_text("enabled = false\n")
    client = await start_server("--download", "never")
    messages = await told(client, uri(root), uri(root / "a.py"), "python")
    assert "disabled by `enabled`" in messages


@pytest.mark.parametrize("named", ["shellscript", "bash", "sh"])
async def test_a_language_is_disabled_by_any_of_its_names(
    start_server: StartServer, tmp_path: Path, named: str
) -> None:
    (tmp_path / ".starcoder.toml").write_text(f'disabled_languages = ["{named}"]\n')
    client = await start_server("--download", "never")
    messages = await told(client, uri(tmp_path), uri(tmp_path / "a"), "sh")
    assert "disabled by `disabled_languages`" in messages


async def until_logged(file: Path, line: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not file.exists() or line not in file.read_text("utf-8"):
            await asyncio.sleep(0.05)


async def test_later_log_settings_apply_to_all_processes(
    start_server: StartServer, tmp_path: Path, tiny_starcoder2: Path
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    model = ("--model", "starcoder2-3b", "--model-path", str(tiny_starcoder2))
    client = await start_server(*model, "--kv-cache-mb", "0")
    await client.initialize(rootUri=uri(tmp_path))
    await client.until_ready("starcoder2-3b")
    file = tmp_path / "logs" / "server.log"
    wanted = {"log_level": "info", "log_file": str(file)}
    client.notify(
        "workspace/didChangeConfiguration", {"settings": {"starcoder": wanted}}
    )
    document = uri(tmp_path / "b.py")
    client.open(document, "y = ")
    await client.complete(document, 0, 4)
    await until_logged(file, "starcoder_lsp.lsp.answers: python: ")
    # The engine was started long before.
    await until_logged(file, "starcoder_lsp.engines.llama.process.")


async def test_log_settings_of_the_users_file_apply_without_a_restart(
    start_server: StartServer, tmp_path: Path
) -> None:
    client = await start_server("--download", "never")
    await client.initialize(rootUri=uri(tmp_path))
    file = tmp_path / "server.log"
    config = Path(os.environ["STARCODER_LSP_CONFIG"])
    config.write_text(f'log_level = "info"\nlog_file = "{file}"\n')
    document = uri(tmp_path / "b.py")
    client.open(document, "y = ")
    async with asyncio.timeout(PATIENCE_S):
        while not file.exists():
            await client.complete(document, 0, 4)
            await asyncio.sleep(0.1)
