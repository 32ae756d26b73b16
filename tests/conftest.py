"""Fixtures of all tests: directories of their own, real models, real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import random_model
from hypothesis import settings
from lsp_client import Client

from starcoder_lsp.models import registry
from starcoder_lsp.models.store import ModelStore

# The same examples in each run: what is red once is red again, on any machine.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the directories of the person who runs it."""
    monkeypatch.setenv("STARCODER_LSP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("STARCODER_LSP_CONFIG", str(tmp_path / "config.toml"))


@pytest.fixture(scope="session")
def models_dir(pytestconfig: pytest.Config) -> Path:
    """Models that stay between test runs."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("models")


@pytest.fixture(scope="session")
def smollm2(models_dir: Path) -> Path:
    """The real SmolLM2-135M, got the way users get it."""
    return ModelStore(models_dir).get(registry.find("smollm2-135m"), lambda share: None)


@pytest.fixture(scope="session")
def tiny_starcoder2(models_dir: Path) -> Path:
    """A StarCoder2 with random weights."""
    path = models_dir / "tiny-starcoder2.gguf"
    if not path.exists():
        partial = path.with_suffix(".partial")
        random_model.write(partial)
        partial.replace(path)
    return path


StartServer = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """Starts real servers and ends those that a test leaves behind."""
    clients: list[Client] = []

    async def start(*flags: str, env: dict[str, str] | None = None) -> Client:
        clients.append(await Client.start(*flags, env=env))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files; read the diff"
    )


@pytest.fixture
def update(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--update"))
