"""`starcoder-lsp doctor` with a remote engine."""

from __future__ import annotations

import dialects as speak
import pytest
from http_server import Answer, Reply, reply, serving

from starcoder_lsp.cli.server_check import Finding, examine
from starcoder_lsp.settings.resolve import Layer, resolve


async def report(
    kind: str, answers: dict[str, Answer], **more: object
) -> list[Finding]:
    async with serving({**speak.answers_of(kind), **answers}) as server:
        table = {"kind": kind, "url": server.address, "model": speak.MODEL}
        values = {"engine": "work", "engines": {"work": table}, **more}
        settings = resolve([Layer("user file", values)]).settings
        return [finding async for finding in examine(settings)]


@pytest.mark.parametrize("kind", speak.NAMES)
async def test_every_dialect_is_examined(kind: str) -> None:
    findings = await report(kind, {})
    assert not [one for one in findings if one.level == "problem"]
    text = "\n".join(one.what for one in findings)
    for words in ("connected to", "sent as", "cancel", "speed", "before it is sent"):
        assert words in text.replace("reads", "speed")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"/v1/models": reply(401)}, "refuses the key (none is set)"),
        (
            {"/v1/models": reply(200, {"data": [{"id": "x"}]})},
            "has no model starcoder2-3b",
        ),
        ({"/v1/completions": reply(500)}, "the server failed: 500"),
        ({"/health": Reply(302, headers={"location": "/"})}, "redirects"),
    ],
)
async def test_a_problem_is_named(answers: dict[str, Answer], words: str) -> None:
    problems = [one for one in await report("vllm", answers) if one.level == "problem"]
    assert [words in one.what for one in problems] == [True]


async def test_secrets_that_are_sent_are_a_warning() -> None:
    findings = await report("vllm", {}, hide_secrets=False)
    assert findings[-1].level == "warning"
    assert "credentials in your code are sent" in findings[-1].what


async def test_an_engine_that_is_not_defined_is_a_problem() -> None:
    settings = resolve([Layer("user file", {"engine": "work"})]).settings
    (finding,) = [one async for one in examine(settings)]
    assert "there is no such engine" in finding.what
