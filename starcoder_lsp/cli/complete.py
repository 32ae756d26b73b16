"""`starcoder-lsp complete`: one completion, without an editor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from dataclasses import replace

from starcoder_lsp.cli import pace, workspace
from starcoder_lsp.cli.flags import (
    add_option_flags,
    is_repository,
    resolve_for,
    workspace_of,
)
from starcoder_lsp.cli.terminal.progress import ProgressLine
from starcoder_lsp.cli.terminal.show import Show, advice
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.context import Context
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import CURSOR_MARK, Completion, Cursor
from starcoder_lsp.runtime import log
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import assemble, chosen, own_file, terms
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import DEFAULT, Resolved
from starcoder_lsp.suggesting import trigger

# A repository that no editor has opened yet is indexed while the model loads, and for so
# long afterwards. The index stays: the next command goes on with it.
INDEX_PATIENCE_S, INDEX_GRACE_S = 20.0, 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COLUMN",
        help=f"counted from 1, in characters; or a FILE that has {CURSOR_MARK} in it",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, nothing else"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="tell how the suggestion came to be, or why there is none",
    )
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    cursor = workspace.read_cursor(parsed.place)
    resolved = resolve_for(workspace.file_of(cursor).parent, parsed)
    for problem in resolved.problems:
        print(f"starcoder-lsp: {printable(problem)}", file=sys.stderr)
    settings = patient(resolved)
    log.set_up(settings.log.level, settings.log.file)
    show = Show(cursor, is_shown=not parsed.json)
    trace = Trace(cursor.document.language, is_explicit=True)
    trace.decision = _decision(cursor, settings)
    work = _complete(cursor, resolved, show, trace, can_replace=parsed.json)
    completion = asyncio.run(work)
    trace.shown = [completion.text]
    if parsed.json:
        explained = {"explain": str(trace).splitlines()} if parsed.explain else {}
        row = as_object(completion, chosen.model_name(settings.engine))
        print(json.dumps({**row, **explained}))
    else:
        show.finish(completion, chosen.model_name(settings.engine))
        for line in advice(completion.usage):
            print(line, file=sys.stderr)
        if parsed.explain:
            print(trace, file=sys.stderr)
    return 0


def patient(resolved: Resolved) -> Settings:
    """The settings for a user who waits: a suggestion may take a minute.

    What the user has set holds for commands too.
    """
    settings = resolved.settings
    if resolved.origins["time_budget_ms"] != DEFAULT:
        return settings
    writing = replace(settings.writing, time_budget_ms=pace.TOTAL_MS)
    return replace(settings, writing=writing)


def _decision(cursor: Cursor, settings: Settings) -> str:
    """Return what an editor would be answered at this cursor while its user types."""
    path = workspace.file_of(cursor)
    found = trigger.skip(trigger.Occasion(cursor, settings.trigger, path))
    if found is None:
        return "asked the model, as it would be while typing"
    return f"asked the model; while typing it would not be: {found.reason}"


async def _complete(
    cursor: Cursor,
    resolved: Resolved,
    show: Show,
    trace: Trace,
    *,
    can_replace: bool,
) -> Completion:
    settings, file = patient(resolved), workspace.file_of(cursor)
    chosen.check_may_be_shown(settings, file)
    folder = workspace_of(file.parent)
    engine = assemble.build_engine(
        settings.engine,
        log_level=settings.log.level,
        policy=assemble.ONE_CRASH,
        workspace=folder,
    )
    _show_terms(settings)
    # Without a repository it is not known which files belong together.
    is_known = settings.context.enabled and is_repository(folder)
    folders = [folder] if is_known else []
    progress = ProgressLine("indexing the repository" if folders else "")
    engine.start()
    ready = asyncio.ensure_future(_soon_after(engine))
    try:
        async with (
            progress.running(),
            workspace.opened(
                cursor, settings, folders, INDEX_PATIENCE_S, until=ready
            ) as context,
        ):
            completer = _completer(settings, engine, context, can_replace=can_replace)
            if folders and completer.family.repository:
                shown = completer.window.shown(cursor)
                budget = completer.window.for_context
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(INDEX_GRACE_S):
                        await workspace.gathered(context, cursor, budget, shown)
            progress.say(f"loading {chosen.model_name(settings.engine)}")
            await engine.ready()
            if await _is_tried_out(settings, engine, progress):
                completer = _completer(
                    settings, engine, context, can_replace=can_replace
                )
            progress.say(f"{chosen.model_name(settings.engine)} reads the prompt")
            completer = await _paced(completer, engine, resolved)

            def grow(text: str) -> None:
                progress.clear()
                show.grow(text)

            return await completer.complete(cursor, grow, trace=trace)
    finally:
        ready.cancel()
        show.end()
        await engine.close()


def _show_terms(settings: Settings) -> None:
    """Say what the model's licence restricts, before its first use."""
    if settings.engine.is_remote:
        return
    model = chosen.model_of(settings.engine)
    if text := terms.unseen(model):
        print(f"starcoder-lsp: {printable(text)}", file=sys.stderr)
        terms.note_shown(model)


def _completer(
    settings: Settings, engine: Engine, context: Context, *, can_replace: bool
) -> Completer:
    completer = assemble.build_completer(settings, engine, context)
    # A program is told what the text replaces, as an editor is.
    style = replace(completer.style, can_replace=can_replace)
    return replace(completer, style=style)


async def _is_tried_out(
    settings: Settings, engine: Engine, progress: ProgressLine
) -> bool:
    """Try a file of the user's unless it was, and say what it is; return if it is new."""
    path = own_file.own_file(settings.engine)
    if path is None or own_file.recognise(path).model.source is not None:
        return False
    progress.say(f"trying out {path.name}")
    news = await own_file.try_out(engine, path)
    progress.clear()
    print(printable(str(news or own_file.recognise(path))), file=sys.stderr)
    return news is not None


async def _soon_after(engine: Engine) -> None:
    """Wait until the index should have waited long enough; never raises an error."""
    with contextlib.suppress(EngineError):
        await engine.ready()
        await asyncio.sleep(INDEX_GRACE_S)


async def _paced(completer: Completer, engine: Engine, resolved: Resolved) -> Completer:
    """The completer with a prompt that can be answered soon on a busy machine too."""
    if resolved.origins["latency_target_ms"] != DEFAULT:
        return completer
    now_per_s = await pace.speed_now(engine)
    limits = pace.paced(completer.limits, now_per_s, engine.speed)
    return replace(completer, limits=limits)


def as_object(completion: Completion, model: str) -> dict[str, object]:
    usage = completion.usage
    return {
        "text": completion.text,
        "n_replaced": completion.n_replaced,
        "model": model,
        "prompt_tokens": usage.prompt_tokens,
        "evaluated_tokens": usage.evaluated_tokens,
        "generated_tokens": usage.generated_tokens,
        "first_token_ms": round(usage.first_token_ms, 1),
        "total_ms": round(usage.total_ms, 1),
        "finish_reason": usage.finish_reason,
    }
