"""Generates one text: sends the prompt, and passes the pieces on as they come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starcoder_lsp.engines.remote.answer import AnswerReader
from starcoder_lsp.engines.remote.link import Link
from starcoder_lsp.engines.remote.pace import ReadBefore
from starcoder_lsp.engines.remote.prompt.forms import Formed
from starcoder_lsp.engines.remote.running import Put
from starcoder_lsp.engines.remote.trouble import Trouble
from starcoder_lsp.errors import EngineFailed, ModelBroken
from starcoder_lsp.flow import Limits, Piece, Prompt, Usage
from starcoder_lsp.languages.lines import n_common

# After its end an answer holds only what it has cost.
LINGER_S = 0.1


async def formed_prompt(
    link: Link, read: ReadBefore, prompt: Prompt, limits: Limits
) -> Formed:
    """Return the prompt as the server takes it. Raises Trouble and ModelBroken."""
    speed = link.pace.speed
    return await link.requests.formed(prompt, limits, speed, read.prompts)


async def generate(
    link: Link, read: ReadBefore, prompt: Prompt, limits: Limits, put: Put
) -> None:
    """Put the pieces of an answer, or the error that ends it."""
    try:
        try:
            await _generate(link, read, prompt, limits, put)
        except Trouble as trouble:
            if trouble.kind != "too long":
                raise
            link.requests.shorten(trouble.n_context)
            await _generate(link, read, prompt, limits, put)
    except Trouble as trouble:
        put(link.suffer(trouble))
    except ModelBroken as exc:
        put(EngineFailed(str(exc)))


async def _generate(
    link: Link, read: ReadBefore, prompt: Prompt, limits: Limits, put: Put
) -> None:
    """Put the pieces of an answer. Raises Trouble and ModelBroken."""
    started = time.perf_counter()
    answer: AnswerReader | None = None
    try:
        async with asyncio.timeout(limits.time_budget_ms / 1000):
            formed = await formed_prompt(link, read, prompt, limits)
            answer = _begun(link, read, formed, prompt, started)
            read.add(formed.units)
            await _stream(link, formed, answer, prompt, limits, put)
    except TimeoutError:
        if answer is None or not answer.usage.first_token_ms:
            link.suffer(Trouble("timeout"))
        ended = Piece("", Usage(finish_reason="time"))
        put(answer.last("time") if answer else ended)
    finally:
        # Also of an answer that a rule or a new keystroke has ended.
        if answer is not None and answer.usage.first_token_ms:
            link.pace.learn(answer.cost)


def _begun(
    link: Link, read: ReadBefore, formed: Formed, prompt: Prompt, started: float
) -> AnswerReader:
    """Return the reader of an answer that was not asked for yet."""
    known = (n_common(one, formed.units) for one in read.prompts)
    share_new = 1 - max(known, default=0) / max(len(formed.units), 1)
    return AnswerReader(
        link.dialect,
        n_prompt=formed.n_tokens,
        n_new=int(formed.n_tokens * share_new),
        stops=prompt.stops,
        stop_ids=link.requests.stop_ids(prompt.stops),
        elapsed_ms=lambda: (time.perf_counter() - started) * 1000,
        latency_ms=(link.pace.latency_s or 0.0) * 1000,
    )


async def _stream(
    link: Link,
    formed: Formed,
    answer: AnswerReader,
    prompt: Prompt,
    limits: Limits,
    put: Put,
) -> None:
    """Put the pieces as the server sends them. Raises Trouble."""
    dialect = link.dialect
    body: Any = link.requests.body(
        dialect.body, formed, prompt.stops, limits.max_tokens
    )
    events = link.connection.events(dialect.path, body, dialect.stream)
    async with aclosing(events):
        async for event in events:
            for piece in answer.read(event):
                if limits.max_tokens:
                    put(piece)
            if answer.is_over:
                break
        else:
            raise Trouble("cut short")
        if answer.is_told:
            await _read_out(events, answer)
    link.recover()
    last = answer.last()
    if not limits.max_tokens:
        last = Piece("", replace(last.usage, finish_reason="length"))
    put(last)


async def _read_out(events: AsyncGenerator[Any], answer: AnswerReader) -> None:
    """Read the rest of an answer, so that its connection can be used again."""
    with contextlib.suppress(TimeoutError, Trouble):
        async with asyncio.timeout(LINGER_S):
            async for event in events:
                answer.read_cost(event)
