"""Fixtures for all tests: private directories, real models, real servers."""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import random_model
from hypothesis import Phase, settings
from lsp_client import Client

from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.models import registry
from starcoder_lsp.models.store import ModelStore

# Before llama.cpp is loaded into this process: on a busy machine a test takes minutes if
# threads spin while they wait for each other.
hardware.limit_spinning()

# Each run draws the same examples, so that a failure repeats on any machine.
settings.register_profile("steady", derandomize=True, deadline=None)
# Each run draws other examples, with `--hypothesis-seed`: see `make fresh`.
settings.register_profile("fresh", max_examples=200, deadline=None, database=None)
# A few examples, because each mutant runs the tests again: see docs/mutation-testing.md.
settings.register_profile(
    "few",
    max_examples=30,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # nobody reads the smallest example
)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the directories of the person who runs them."""
    monkeypatch.setenv("STARCODER_LSP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("STARCODER_LSP_CONFIG", str(tmp_path / "config.toml"))


@pytest.fixture(scope="session")
def models_dir(pytestconfig: pytest.Config) -> Path:
    """Return the directory of models, which stay there between test runs."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("models")


@pytest.fixture(scope="session")
def smollm2(models_dir: Path) -> Path:
    """Return the real SmolLM2-135M, downloaded as users do."""
    return ModelStore(models_dir).get(registry.find("smollm2-135m"), lambda share: None)


@pytest.fixture(scope="session")
def tiny_starcoder2(models_dir: Path) -> Path:
    """Return a StarCoder2 with random weights."""
    path = models_dir / "tiny-starcoder2.gguf"
    if not path.exists():
        partial = path.with_suffix(".partial")
        random_model.write(partial)
        partial.replace(path)
    return path


StartServer = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """Start real servers, and end them after the test."""
    clients: list[Client] = []

    async def start(*flags: str, **more: Any) -> Client:
        clients.append(await Client.start(*flags, **more))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()


# Tests with these fixtures wait for models, servers and downloads, which have timeouts too.
SLOW_FIXTURES = {"smollm2", "tiny_starcoder2", "start_server"}
SLOW_TIMEOUT_S = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if not SLOW_FIXTURES.isdisjoint(fixtures):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the stacks of all tasks of a hanging test; its traceback has only the loop."""
    report = yield
    is_late = call.when == "call" and "pytest-timeout" in str(report.longrepr)
    if is_late and inspect.iscoroutinefunction(item.function):
        report.sections.append(("waiting tasks", stacks_of_tasks()))
    return report


def stacks_of_tasks() -> str:
    stacks = io.StringIO()
    for task in asyncio.all_tasks(asyncio.get_event_loop()):
        task.print_stack(file=stacks)
    return stacks.getvalue()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files; read the diff"
    )


@pytest.fixture
def update(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--update"))
