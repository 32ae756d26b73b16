"""Answers requests for suggestions: unpack, delegate, pack."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.errors import EngineError, EngineFailed
from starcoder_lsp.flow import Completion, Cursor, Usage
from starcoder_lsp.lsp import convert
from starcoder_lsp.lsp.documents.parameters import (
    field,
    indent_of,
    place_of,
    text_field,
)
from starcoder_lsp.lsp.messages.inline_params import InlineParams
from starcoder_lsp.settings import chosen
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.outcomes.tracker import Offer

if TYPE_CHECKING:
    from starcoder_lsp.lsp.server import Server

logger = logging.getLogger(__name__)

ACCEPTED = "starcoder.accepted"
MORE = "starcoder/more"
# A long suggestion has so many times the tokens of a usual one.
MORE_TOKENS = 3


async def inline_completion(
    server: Server, params: InlineParams
) -> types.InlineCompletionList | None:
    _note_indent(server, params.text_document.uri, params.formatting_options)
    cursor = _cursor(server, params)
    if cursor is None:
        return None
    server.late.begin(cursor.document.uri, params.position)
    invoked = types.InlineCompletionTriggerKind.Invoked
    is_explicit = params.context.trigger_kind == invoked
    answer = await _suggest(server, cursor, "inline", is_explicit=is_explicit)
    return None if answer is None else _inline_items(server, answer, cursor, params)


async def more(server: Server, params: Any) -> types.InlineCompletionList | None:
    """Answer `starcoder/more`: one suggestion of as many lines as possible."""
    uri = text_field(params, "textDocument", "uri")
    place = place_of(field(params, "position"))
    if uri is None or place is None:
        raise JsonRpcInvalidParams("expected textDocument and position")
    _note_indent(server, uri, field(params, "formattingOptions"))
    asked = types.InlineCompletionParams(
        types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
        types.TextDocumentIdentifier(uri),
        types.Position(*place),
    )
    cursor = _cursor(server, asked)
    if cursor is None:
        return None
    answer = await _suggest(server, cursor, "inline", is_explicit=True, is_more=True)
    return None if answer is None else _inline_items(server, answer, cursor, asked)


async def popup_completion(
    server: Server, params: types.CompletionParams
) -> types.CompletionList | None:
    cursor = _cursor_at(server, params.text_document.uri, params.position)
    if cursor is None:
        return None
    answer = await _suggest(server, cursor, "popup", waits=False)
    offered = _worth_showing(answer)
    commands = _commands(server, answer, cursor) if answer else []
    return convert.popup_items(
        offered, cursor, params.position, server.encoding, commands
    )


async def _suggest(
    server: Server,
    cursor: Cursor,
    channel: str,
    *,
    is_explicit: bool = False,
    is_more: bool = False,
    waits: bool = True,
) -> Suggestion | None:
    """Return a suggestion, which may be empty; None leaves the screen as it is."""
    started = time.perf_counter()
    reason = server.why_not(cursor, is_explicit=is_explicit)
    if reason and reason.is_lasting:
        server.status.show(reason.reason, kind="Inactive")
        server.suggester.trace = _not_asked(cursor, reason.reason)
        return None
    server.log_as_wanted()
    asked = server.asks.ask_at(cursor)
    if asked is None:
        server.late.expect()
        server.suggester.trace = _not_asked(cursor, "there is no model that is ready")
        return None
    n_wanted = asked.settings.trigger.n_alternatives if is_explicit else 1
    ask = replace(
        asked,
        channel=channel,
        is_explicit=is_explicit,
        waits=waits and not is_explicit,
        n_wanted=n_wanted,
    )
    if is_more:
        ask = _for_more(ask)
    if reason:
        return _only_known(server, ask, reason.reason)
    try:
        suggestion = await server.suggester.suggest(ask)
    except EngineError as exc:
        logger.warning("no completion: %s", exc)
        server.late.expect()
        if isinstance(exc, EngineFailed):
            server.status.tell(f"starcoder: {exc}")
        server.suggester.trace = _not_asked(cursor, str(exc))
        return None
    seconds = time.perf_counter() - started
    _log(cursor, suggestion, seconds)
    if suggestion and not suggestion.is_known:
        server.asks.learn(ask)
        _finish_later(server, ask, suggestion)
    return suggestion and replace(suggestion, seconds=seconds)


def _only_known(server: Server, ask: Ask, reason: str) -> Suggestion:
    """Return what the cache holds, so that ghost text stays where it is."""
    known = server.suggester.peek(ask)
    if known is None or not known.completions:
        server.suggester.trace = _not_asked(ask.cursor, reason)
        return Suggestion((), server.suggester.key(ask))
    return known


def _finish_later(server: Server, ask: Ask, suggestion: Suggestion) -> None:
    """Let the idle model finish a late suggestion, if the client can ask for it again."""
    if suggestion.is_late and not ask.is_more and server.late.is_wanted:
        server.late.expect()
        server.suggester.finish(ask, server.late.send)


def _for_more(ask: Ask) -> Ask:
    completer = ask.completer
    long = replace(
        completer,
        style=replace(completer.style, wants_more=True),
        limits=replace(
            completer.limits, max_tokens=completer.limits.max_tokens * MORE_TOKENS
        ),
    )
    return replace(ask, completer=long, is_more=True, n_wanted=1)


def _not_asked(cursor: Cursor, reason: str) -> Trace:
    return Trace(cursor.document.language, decision=f"not asked: {reason}")


def _cursor(server: Server, params: types.InlineCompletionParams) -> Cursor | None:
    uri = params.text_document.uri
    cursor = _cursor_at(server, uri, params.position)
    document = server.documents.get(uri)
    selected = params.context.selected_completion_info
    if document is None or selected is None:
        return cursor
    return convert.cursor_with(selected, document, server.encoding)


def _cursor_at(server: Server, uri: str, position: types.Position) -> Cursor | None:
    """Return the cursor; if the document has no text, show why on the status line."""
    document = server.documents.find(uri)
    if document is not None and document.trouble:
        server.status.show(document.trouble, kind="Inactive")
    return server.cursor_at(uri, position)


def _note_indent(server: Server, uri: str, formatting_options: Any) -> None:
    """Keep the indentation that the client tells, also for requests that do not tell it."""
    document = server.documents.get(uri)
    if document is not None and (indent := indent_of(formatting_options)):
        document.note_indent(indent)


def _inline_items(
    server: Server,
    answer: Suggestion,
    cursor: Cursor,
    params: types.InlineCompletionParams,
) -> types.InlineCompletionList:
    commands = _commands(server, answer, cursor)
    offered = _worth_showing(answer)
    return convert.inline_items(offered, cursor, params, server.encoding, commands)


def _worth_showing(answer: Suggestion | None) -> list[Completion]:
    return [one for one in answer.completions if one.text] if answer else []


def _commands(
    server: Server, answer: Suggestion, cursor: Cursor
) -> list[types.Command]:
    """Return a command for each suggestion, which the client runs when it is accepted."""
    model = chosen.model_name(server.settings.of_document(cursor.document.uri).engine)
    latency_ms = answer.seconds * 1000
    offers = (
        Offer(cursor, answer.key, one, model, latency_ms, answer.is_known, i == 0)
        for i, one in enumerate(_worth_showing(answer))
    )
    ids = [server.outcomes.offer(offer) for offer in offers]
    return [types.Command("accepted", ACCEPTED, arguments=[id]) for id in ids]


def _log(cursor: Cursor, suggestion: Suggestion | None, seconds: float) -> None:
    outcome = "superseded"
    if suggestion is not None:
        completions = suggestion.completions
        usage = completions[0].usage if completions else Usage()
        n_characters = len(completions[0].text) if completions else 0
        outcome = (
            f"{n_characters} characters, {usage.evaluated_tokens} of "
            f"{usage.prompt_tokens} prompt tokens evaluated, "
            f"{usage.generated_tokens} generated"
        )
    logger.info("%s: %.0f ms, %s", cursor.document.language, seconds * 1000, outcome)
