"""Fuzzes for half a minute, repeats old failures, and tests the fuzzer itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fuzz import accounting, campaign, sessions, virtual_time
from fuzz.accounting import WrongAnswers, wanted_answers
from fuzz.minimise import minimised
from fuzz.session import Unwell, create
from fuzz.target import CORPUS, Target, read_case
from fuzz.targets import TARGETS
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.lsp.server import Server

# The same cases in each run, as many as there is time for; `make fuzz` tries new ones.
SEED = "steady"
SECONDS = 30.0
KEPT = sorted(file for file in CORPUS.rglob("*") if file.is_file())
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}  # fmt: skip
SHUTDOWN = {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}


@pytest.mark.parametrize("name", TARGETS)
def test_no_random_input_breaks_a_promise(name: str) -> None:
    target, seconds = TARGETS[name], SECONDS / len(TARGETS)
    outcome = campaign.run(target, SEED, seconds=seconds)
    for failure in outcome.failures.values():
        file = campaign.kept(target, failure, CORPUS / name)
        again = f"make fuzz FUZZ='--target {name} --seed {SEED}'"
        raise AssertionError(f"kept as {file}; {again}") from failure.error
    assert outcome.n_inputs > 0


@pytest.mark.parametrize(
    "file", KEPT, ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_what_failed_once_is_handled(file: Path) -> None:
    campaign.tried(TARGETS[file.parent.name], read_case(file))


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_makes_the_same_cases(name: str) -> None:
    one, other = (campaign.case_of(TARGETS[name], "x", 3) for _ in range(2))
    assert one == other
    assert one != campaign.case_of(TARGETS[name], "y", 3)


def sent_twice(engine: ScriptedEngine) -> Server:
    return _faulty(engine, lambda send, data: (send(data), send(data)))


def kept_back(engine: ScriptedEngine) -> Server:
    return _faulty(
        engine, lambda send, data: None if data.get("id") == 2 else send(data)
    )


def without_result(engine: ScriptedEngine) -> Server:
    return _faulty(
        engine, lambda send, data: send({"jsonrpc": "2.0", "id": data["id"]})
    )


def _faulty(engine: ScriptedEngine, passing: Any) -> Server:
    server = create(engine)
    protocol: Any = server.protocol
    send = protocol._send_data
    protocol._send_data = lambda data: passing(send, _as_message(protocol, data))
    return server


def _as_message(protocol: Any, data: Any) -> Any:
    return data if isinstance(data, dict) else protocol._converter.unstructure(data)


@pytest.mark.parametrize("faulty", [sent_twice, kept_back, without_result])
def test_a_server_that_answers_wrongly_is_found(faulty: Any) -> None:
    case = {"steps": [INITIALIZE, SHUTDOWN]}
    assert sessions.check(case) == 2
    with pytest.raises(WrongAnswers):
        sessions.check(case, faulty)


def test_a_server_that_logs_a_mistake_of_its_own_is_found() -> None:
    def raising(engine: ScriptedEngine) -> Server:
        server = create(engine)
        protocol: Any = server.protocol
        protocol.receive = lambda body: 1 / 0
        return server

    with pytest.raises(Unwell):
        sessions.check({"steps": [INITIALIZE]}, raising)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"x"}', ("1",)),
        (b'{"jsonrpc":"2.0","id":"1","method":"x"}', ('"1"',)),
        (b'{"jsonrpc":"2.0","id":true,"method":"x"}', ("null",)),
        (b'{"jsonrpc":"2.0","method":"x"}', (accounting.SILENCE,)),
        (b'{"jsonrpc":"2.0","id":1,"result":null}', (accounting.SILENCE,)),
        (b"[]", ("null",)),
        (b"{", (accounting.ANY,)),
    ],
)
def test_what_has_to_be_answered_is_told_without_the_server(
    body: bytes, wanted: tuple[str, ...]
) -> None:
    assert wanted_answers(body) == wanted


def test_messages_are_found_between_noise() -> None:
    stream = b"noise\r\nContent-Length: 2\r\n\r\n{}\r\ncontent-length:3\n\n[1]Content-Length: 9\n\n{"
    assert list(accounting.bodies(stream)) == [b"{}", b"[1]"]


def check_no_seven(case: list[int]) -> int:
    assert 7 not in case, "seven"
    return len(case)


SEVENS = Target(lambda random: [random.randrange(10) for _ in range(9)], check_no_seven)


def test_a_failing_case_is_made_smaller_and_kept(tmp_path: Path) -> None:
    outcome = campaign.run(SEVENS, "x", seconds=60, max_inputs=10_000)
    (failure,) = outcome.failures.values()
    file = campaign.kept(SEVENS, failure, tmp_path)
    assert read_case(file) == [7]


def test_failures_of_one_cause_are_reported_once() -> None:
    outcome = campaign.run(SEVENS, "x", seconds=60, max_inputs=1000)
    assert outcome.n_cases > 100
    assert len(outcome.failures) == 1


def test_bytes_are_kept_as_they_are(tmp_path: Path) -> None:
    target = Target(
        lambda random: random.randbytes(200), lambda case: 1 // (255 not in case)
    )
    failure = campaign.Failure(0, b"a\xff\n\xff", ZeroDivisionError())
    outcome = campaign.run(target, "x", seconds=60, max_inputs=500)
    (failure,) = outcome.failures.values()
    assert read_case(campaign.kept(target, failure, tmp_path)) == b"\xff"


def test_a_case_that_computes_for_ever_is_a_failure() -> None:
    def for_ever(_case: Any) -> int:
        while True:
            pass

    target = Target(Random.random, for_ever, cpu_s=0.05)
    with pytest.raises(campaign.TooSlow):
        campaign.tried(target, 1)


def test_slowness_is_seen_through_a_handler_of_exceptions() -> None:
    def forgiving(_case: Any) -> int:
        try:
            for _ in iter(int, 1):
                pass
        except campaign.TooSlow:
            pass
        return 1

    with pytest.raises(campaign.TooSlow):
        campaign.tried(Target(Random.random, forgiving, cpu_s=0.05), 1)


def test_minutes_pass_in_no_time_and_in_order() -> None:
    async def sleepers() -> list[int]:
        woken: list[int] = []

        async def sleep(seconds: int) -> None:
            await asyncio.sleep(seconds)
            woken.append(seconds)

        await asyncio.gather(*map(sleep, (900, 3, 60)))
        return woken

    assert virtual_time.run(sleepers()) == [3, 60, 900]


def test_a_wait_for_nothing_is_told() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual_time.Stuck):
        virtual_time.run(wait())


def test_the_smallest_part_of_each_kind_is_left() -> None:
    def fails(case: Any) -> bool:
        return "b" in case.get("text", "") and 9 in case.get("list", [])

    case = {"text": "abc", "list": [1, 9, {"x": 2}], "more": [3]}
    assert minimised(case, fails) == {"text": "b", "list": [9]}
