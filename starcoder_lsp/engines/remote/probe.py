"""Finds out what a server is and can do, before anything is asked of it."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from starcoder_lsp.engines.remote.dialect import Dialect, dialects, filled, found
from starcoder_lsp.engines.remote.pace import Pace
from starcoder_lsp.engines.remote.prompt.vocabulary import ServerVocabulary
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.engines.remote.transport.connection import Connection
from starcoder_lsp.engines.remote.trouble import Trouble
from starcoder_lsp.runtime.printable import printable

MAX_SHOWN_MODELS = 3
MAX_NAME = 80


@dataclass(frozen=True)
class Found:
    """A server that is ready: the size of its context, and what was found out.

    `vocabulary` is None where prompts are sent as text.
    """

    n_context: int | None = None
    version: str = ""
    vocabulary: ServerVocabulary | None = None
    adapters: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


async def probe(
    connection: Connection,
    server: RemoteServer,
    dialect: Dialect,
    controls: Collection[str],
    pace: Pace,
) -> Found:
    """Ask a server for its state, its model, its context and its tokenizer.

    Raises Trouble when it cannot be used now.
    """
    asked = ProbedPaths(connection, pace)
    if dialect.health:
        await asked.get(dialect.health)
    _check_models(await asked.get(dialect.models), server, dialect)
    n_context = server.context_tokens or await _n_context(asked, server, dialect)
    version = found(await asked.get(dialect.version[0]), dialect.version[1])
    adapters = await _adapters(asked, server, dialect)
    vocabulary = await _vocabulary(connection, server, dialect, controls, pace)
    notes: tuple[str, ...] = ()
    if dialect.prompt == "ids" and vocabulary is None:
        notes = (
            f"{server.name}: the server has no {dialect.tokenize['path']}, so prompts "
            "are sent as text, in which control tokens are broken up",
        )
    return Found(n_context, _shown(version or ""), vocabulary, adapters, notes)


def _shown(name: object) -> str:
    """Return a name that a server has told, fit for a message and a terminal."""
    return printable(str(name)[:MAX_NAME])


class ProbedPaths:
    """Answers of a server, each path asked once; None for a path that it lacks."""

    def __init__(self, connection: Connection, pace: Pace) -> None:
        self._connection = connection
        self._pace = pace
        self._known: dict[str, Any] = {"": None}

    async def get(self, path: str) -> Any:
        if path not in self._known:
            started = time.perf_counter()
            self._known[path] = await self._answer(path)
            self._pace.note_round_trip(time.perf_counter() - started)
        return self._known[path]

    async def _answer(self, path: str) -> Any:
        try:
            return await self._connection.get(path)
        except Trouble as trouble:
            # Proxies let few paths through, and none of these is needed.
            if trouble.kind in ("forbidden", "wrong dialect", "not JSON", "rejected"):
                return None
            raise


def _check_models(listed: Any, server: RemoteServer, dialect: Dialect) -> None:
    """Raise Trouble if the list of models tells another kind of server or no such model."""
    owner = found(listed, "data.0.owned_by")
    for other in dialects().values():
        if dialect.owned_by and owner in other.owned_by and other is not dialect:
            raise Trouble("wrong dialect", f": it is {other.title} ({other.name})")
    names = [str(name) for name in found(listed, dialect.model_names) or []]
    is_adapter = bool(server.adapter) and dialect.adapter_is_model
    wanted = server.adapter if is_adapter else server.model
    if dialect.any_model or not names or not wanted or wanted in names:
        return
    # Ollama adds the tag that is meant where none is named.
    if f"{wanted}:latest" in names:
        return
    shown = ", ".join(map(_shown, names[:MAX_SHOWN_MODELS]))
    more = len(names) - MAX_SHOWN_MODELS
    detail = f"; it has {shown}" + (f" and {more} more" if more > 0 else "")
    raise Trouble("unknown adapter" if is_adapter else "unknown model", detail)


async def _n_context(
    asked: ProbedPaths, server: RemoteServer, dialect: Dialect
) -> int | None:
    for path, place in dialect.context:
        answer = await asked.get(path)
        # The model's own entry, where several are listed.
        for row in found(answer, "data") or []:
            if found(row, "id") == server.model:
                answer = {**answer, "data": [row]}
        told = found(answer, place)
        if type(told) is int and told > 0:
            return told
    return None


async def _adapters(
    asked: ProbedPaths, server: RemoteServer, dialect: Dialect
) -> list[dict[str, Any]]:
    """Return the LoRA adapters as a request names them; the others are switched off."""
    if not server.adapter or not dialect.adapters:
        return []
    listed = await asked.get(dialect.adapters) or []
    ids = {str(found(row, "id")): found(row, "id") for row in listed}
    names = {_stem(str(found(row, "path"))): found(row, "id") for row in listed}
    wanted = names.get(server.adapter, ids.get(server.adapter))
    if wanted is None:
        shown = ", ".join(map(_shown, sorted(names)[:MAX_SHOWN_MODELS]))
        raise Trouble("unknown adapter", f"; it has {shown}" if shown else "")
    return [{"id": one, "scale": float(one == wanted)} for one in ids.values()]


def _stem(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf")


async def _vocabulary(
    connection: Connection,
    server: RemoteServer,
    dialect: Dialect,
    controls: Collection[str],
    pace: Pace,
) -> ServerVocabulary | None:
    """Return the server's tokenizer; None where it has none, or no ids are sent."""
    if dialect.prompt != "ids" or not dialect.tokenize:
        return None
    row = dialect.tokenize

    async def tokenize(text: str, special: bool, beginning: bool) -> list[int]:
        values = {
            "text": text.encode("utf-8", "replace").decode(),
            "special": special,
            "beginning": beginning,
            "model": server.model,
        }
        started = time.perf_counter()
        answer = await connection.post(row["path"], filled(row["body"], values))
        pace.note_round_trip(time.perf_counter() - started)
        tokens = found(answer, row["tokens"])
        if not isinstance(tokens, list):
            raise Trouble("wrong dialect", f": {row['path']} returns no tokens")
        return tokens

    parses_always = row.get("parses_always", False)
    vocabulary = ServerVocabulary(tokenize, controls, parses_always=parses_always)
    try:
        await vocabulary.set_up()
    except Trouble as trouble:
        if trouble.kind in ("forbidden", "wrong dialect"):
            return None
        raise
    return vocabulary
