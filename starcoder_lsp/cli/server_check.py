"""Tests the connection to a remote engine for `starcoder-lsp doctor`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.engines.remote.client import RemoteEngine
from starcoder_lsp.errors import EngineError, StarcoderError
from starcoder_lsp.flow import Limits, Prompt, Text, Usage
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

CONNECT_PATIENCE_S = 120
# Reads some hundred tokens, which is enough to see what a cache is worth.
SAMPLE = "".join(f"def name_{n}(value):\n    return value + {n}\n\n" for n in range(30))
SHORT = Limits(max_tokens=8, time_budget_ms=30_000)
LONG = Limits(max_tokens=500, time_budget_ms=60_000)
# A prompt that is in the cache takes at most this share of the time of a new one.
CACHED_SHARE = 0.7
# A server that goes on with a cancelled request answers the next one this much later.
FREE_FACTOR, FREE_MS = 3.0, 500.0


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` says what to do."""

    level: str
    what: str
    remedy: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what a user and an administrator want to know of the server."""
    try:
        engine = assemble.build_engine(
            settings.engine,
            log_level=settings.log.level,
            policy=assemble.ONE_CRASH,
            workspace=Path.cwd(),
        )
    except StarcoderError as exc:
        yield Finding("problem", str(exc))
        return
    assert isinstance(engine, RemoteEngine)
    engine.start()
    try:
        async with asyncio.timeout(CONNECT_PATIENCE_S):
            report = await engine.ready()
        yield Finding("ok", f"connected to {report.summary}")
        for note in report.notes:
            yield Finding("warning", note, "let the path through the proxy")
        yield _prompts(engine)
        async for finding in _requests(engine):
            yield finding
        yield _secrets(settings)
    except EngineError as exc:
        yield Finding("problem", str(exc))
    except TimeoutError:
        message = f"{engine.state.message} ({CONNECT_PATIENCE_S} s)"
        yield Finding("problem", message, "try again when the server is ready")
    finally:
        await engine.close()


def _prompts(engine: RemoteEngine) -> Finding:
    if engine.link.requests.vocabulary is not None:
        return Finding("ok", "prompts are exact: they are sent as token ids")
    if engine.link.dialect.prompt == "parts":
        return Finding("ok", "prefix and suffix are sent as text, in two parts")
    return Finding(
        "ok", "prompts are sent as text, with control tokens in your code broken up"
    )


async def _requests(engine: RemoteEngine) -> AsyncIterator[Finding]:
    """Yield what three requests show: the cache, cancellation, the speed."""
    # No cache knows this text.
    sample = f"# {secrets.token_hex(8)}\n{SAMPLE}"
    first, _ = await _ask(engine, sample)
    again, again_ms = await _ask(engine, sample + "x = 1\n")
    text = (
        f"the first token after {first.prompt_tokens} new ones came after "
        f"{first.first_token_ms:.0f} ms, and after a small change {again.first_token_ms:.0f}"
    )
    if again.first_token_ms < first.first_token_ms * CACHED_SHARE:
        yield Finding("ok", f"the server keeps prompts in its cache: {text}")
    else:
        remedy = "if that is slow, switch on the server's prefix cache: docs/team.md"
        yield Finding("warning", f"no prefix cache is to be seen: {text}", remedy)
    async with aclosing(engine.generate(_prompt(sample), LONG)) as pieces:
        async for _ in pieces:
            break
    _, after_ms = await _ask(engine, sample + "x = 1\n")
    is_free = after_ms < max(again_ms * FREE_FACTOR, again_ms + FREE_MS)
    text = (
        f"a request after a cancelled one took {after_ms:.0f} ms, before {again_ms:.0f}"
    )
    if is_free:
        yield Finding("ok", f"cancelling works: {text}")
    else:
        yield Finding("warning", f"cancelled requests may go on at the server: {text}")
    yield _speed(engine)


def _speed(engine: RemoteEngine) -> Finding:
    speed, latency_s = engine.speed, engine.link.pace.latency_s
    if speed is None:
        away = "" if latency_s is None else f"; it is {latency_s * 1000:.0f} ms away"
        return Finding("ok", f"the server's speed is not known yet{away}")
    return Finding(
        "ok",
        f"the server reads {speed.prefill_tokens_per_s:.0f} tokens/s, writes "
        f"{speed.decode_tokens_per_s:.0f}, and is {speed.latency_s * 1000:.0f} ms away",
    )


def _secrets(settings: Settings) -> Finding:
    if settings.writing.hides_secrets:
        return Finding(
            "ok", "what looks like a credential is replaced before it is sent"
        )
    remedy = "remove hide_secrets = false from your settings"
    return Finding("warning", "credentials in your code are sent to the server", remedy)


def _prompt(text: str) -> Prompt:
    return Prompt((Text(text, "start"),))


async def _ask(engine: RemoteEngine, text: str) -> tuple[Usage, float]:
    """Return the cost of a short answer, and its time in milliseconds."""
    started, usage = time.perf_counter(), Usage()
    async with aclosing(engine.generate(_prompt(text), SHORT)) as pieces:
        async for piece in pieces:
            usage = piece.usage
    return usage, (time.perf_counter() - started) * 1000
