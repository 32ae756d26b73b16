"""The server survives signals, disks that cannot be written, and input without end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import StartServer
from lsp_client import Client

MEGABYTE = 1_000_000
# Runs a command with its home mounted read-only, for this command alone.
READ_ONLY_HOME = (
    "unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
    'mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"; exec "$@"', "sh",
)  # fmt: skip


async def test_sigpipe_does_not_end_the_server(start_server: StartServer) -> None:
    client = await start_server("--download", "never")
    await client.initialize()
    client.process.send_signal(signal.SIGPIPE)
    assert await client.shutdown() == 0


async def test_on_a_read_only_file_system_the_server_works_from_memory(
    start_server: StartServer, tmp_path: Path, tiny_starcoder2: Path
) -> None:
    home = tmp_path / "home"
    project = home / "project"
    project.mkdir(parents=True)
    (project / "shapes.py").write_text("def area(radius):\n    return 3 * radius\n")
    own = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_DATA_HOME": ""}
    own |= {f"STARCODER_LSP_{one}": "" for one in ("DATA", "CACHE", "CONFIG")}
    if not can_mount({**os.environ, **own}):
        pytest.skip("this system lets users mount nothing")
    client = await start_server(
        "--model-path", str(tiny_starcoder2), "--log-file", str(home / "x.log"),
        env=own, wrapper=READ_ONLY_HOME,
    )  # fmt: skip
    await client.initialize(rootUri=project.as_uri())
    uri = (project / "b.py").as_uri()
    client.open(uri, "from shapes import area\n\nprint(area(")
    await client.until_notified("didChangeStatus", kind="Normal", busy=False)
    assert isinstance(await client.complete(uri, 2, 11), list)
    assert await client.shutdown() == 0
    assert b"Traceback" not in client.errors
    assert sorted(path.name for path in home.rglob("*")) == ["project", "shapes.py"]


def can_mount(env: dict[str, str]) -> bool:
    """Return whether a home that is mounted read-only refuses a file."""
    command = [*READ_ONLY_HOME, "touch", f"{env['HOME']}/a"]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    return b"Read-only file system" in done.stderr


INPUTS = {
    "a message of which we skip the body": b"Content-Length: 300000000\r\n\r\n"
    + b"x" * (300 * MEGABYTE),
    "no header": b"\0" * (100 * MEGABYTE),
    "a header without end": b"X-Name: " + b"x" * (100 * MEGABYTE),
    "many wrong lengths": b"Content-Length: -5\r\n\r\n" * 100_000,
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", INPUTS)
async def test_input_without_sense_takes_little_memory(
    start_server: StartServer, name: str
) -> None:
    client = await start_server("--download", "never")
    await client.initialize()
    before = peak_mb(client)
    client.send_bytes(INPUTS[name])
    await client.ask("shutdown")
    assert peak_mb(client) - before < 16


def peak_mb(client: Client) -> float:
    """Return the largest memory that the server has had so far."""
    status = Path(f"/proc/{client.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / MEGABYTE
