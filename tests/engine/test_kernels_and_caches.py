"""Ways to compute attention, measured and changed while a session works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.kernel import (
    COMPACT,
    FLASHING,
    PLAIN,
    Kernel,
)
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.engines.llama.process.persistent_session import PersistentSession
from starcoder_lsp.flow import Limits, Prompt, Text, Usage

CODE = "".join(f"def function_{n}(x):\n    return x + {n}\n" for n in range(30))
PROMPT = Prompt((Text(CODE),))


@pytest.fixture
def session(tiny_starcoder2: Path) -> PersistentSession:
    library.set_up()
    model = LlamaModel(tiny_starcoder2)
    session = PersistentSession(model, n_context=1024, n_threads=1)
    session.kernels = (PLAIN, FLASHING, COMPACT)
    return session


def never() -> bool:
    return False


def asked(session: PersistentSession) -> Usage:
    return list(session.generate(PROMPT, Limits(4, 600_000), never))[-1].usage


def test_all_kernels_are_measured_without_touching_the_caches(
    session: PersistentSession,
) -> None:
    asked(session)
    measured = session.measure_kernels(never, Speed(2000.0, 100.0))
    assert measured is not None
    assert list(measured) == [PLAIN, FLASHING, COMPACT]
    assert asked(session).evaluated_tokens == 1


def test_a_request_ends_the_measurement(session: PersistentSession) -> None:
    n_polls = 0

    def is_wanted() -> bool:
        nonlocal n_polls
        n_polls += 1
        return n_polls > 100

    assert session.measure_kernels(is_wanted, Speed(2000.0, 100.0)) is None


@pytest.mark.parametrize("kernel", [PLAIN, FLASHING, COMPACT], ids=str)
def test_another_kernel_reads_the_last_prompt_again_in_idle_time(
    session: PersistentSession, kernel: Kernel
) -> None:
    asked(session)
    assert session.candidates(PROMPT, Limits(4, 600_000), 2, never)
    session.adopt(kernel)
    session.read_on(never)
    assert session.kernel == kernel
    assert asked(session).evaluated_tokens <= 5
    assert session.candidates(PROMPT, Limits(4, 600_000), 2, never)


def test_without_memory_for_another_kernel_the_old_one_goes_on(
    session: PersistentSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_context: Callable[..., object] = session._caches.another

    def another(kernel: Kernel, *sizes: int) -> object:
        if kernel != PLAIN:
            raise library.OutOfMemory("full")
        return open_context(kernel, *sizes)

    monkeypatch.setattr(session._caches, "another", another)
    session.adopt(FLASHING)
    assert session.kernel == PLAIN
    assert asked(session).generated_tokens == 4
