"""`starcoder-lsp complete`: one completion, without an editor."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starcoder_lsp.cli import workspace
from starcoder_lsp.cli.flags import (
    add_option_flags,
    is_repository,
    resolve_for,
    workspace_of,
)
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.postprocess.safety import hidden_characters
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import CURSOR_MARK, Completion, Cursor, Document
from starcoder_lsp.languages import language_of
from starcoder_lsp.runtime import log
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Resolved, Settings
from starcoder_lsp.suggesting import trigger

PLACE = re.compile(r"(?P<file>.+):(?P<line>\d{1,9}):(?P<column>\d{1,9})")
SHOWN_LINES = 12
PATIENCE_MS = 60_000
# A repository that nobody has opened yet is read so far.
INDEX_PATIENCE_S = 20.0
WAITS = ("time_budget_ms", "latency_target_ms")
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1;32m", "\x1b[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COLUMN",
        help=f"counted from 1, in characters; or a FILE that has {CURSOR_MARK} in it",
    )
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    parser.add_argument(
        "--explain", action="store_true", help="tell how it came to be, or why not"
    )
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    cursor = read_cursor(parsed.place)
    resolved = resolve_for(workspace.file_of(cursor).parent, parsed)
    for problem in resolved.problems:
        print(f"starcoder-lsp: {printable(problem)}", file=sys.stderr)
    settings = patient(resolved)
    if parsed.json:
        # What the text replaces is told there, as it is to an editor.
        style = replace(settings.style, can_replace=True)
        settings = replace(settings, style=style)
    log.set_up(settings.log.level, settings.log.file)
    show = Show(cursor, is_shown=not parsed.json)
    trace = Trace(cursor.document.language, is_explicit=True)
    trace.decision = _decision(cursor, settings)
    completion = asyncio.run(_complete(cursor, settings, show, trace))
    trace.shown = [completion.text]
    if parsed.json:
        explained = {"explain": str(trace).splitlines()} if parsed.explain else {}
        row = as_object(completion, settings.engine.model)
        print(json.dumps({**row, **explained}))
    else:
        show.finish(completion, settings.engine.model)
        if parsed.explain:
            print(trace, file=sys.stderr)
    return 0


def patient(resolved: Resolved) -> Settings:
    """The settings of somebody who types a command and waits, on any machine."""
    longer: dict[str, Any] = {
        name: PATIENCE_MS for name in WAITS if resolved.origins[name] == "default"
    }
    limits = replace(resolved.settings.limits, **longer)
    return replace(resolved.settings, limits=limits)


def _decision(cursor: Cursor, settings: Settings) -> str:
    """What an editor would be answered here while its user types."""
    path = workspace.file_of(cursor)
    found = trigger.skip(trigger.Occasion(cursor, settings.trigger, path))
    if found is None:
        return "asked the model, as it would be while typing"
    return f"asked the model; while typing it would not be: {found.reason}"


def read_cursor(place: str) -> Cursor:
    """The cursor that `place` names; raises ConfigError with what is wrong with it."""
    found = PLACE.fullmatch(place)
    file = Path(found["file"] if found else place)
    try:
        text = file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    language = language_of(file)
    if found is None:
        if CURSOR_MARK not in text:
            raise ConfigError(
                f"expected FILE:LINE:COLUMN, or a {CURSOR_MARK} in {file}"
            )
        return _named(Cursor.marked(text, language), file)
    offset = offset_of(text, int(found["line"]), int(found["column"]))
    return _named(Cursor(Document(text, language=language), offset), file)


def _named(cursor: Cursor, file: Path) -> Cursor:
    uri = "file://" + quote(str(file.absolute()))
    document = cursor.document
    return Cursor(Document(document.text, uri, document.language), cursor.offset)


def offset_of(text: str, line: int, column: int) -> int:
    r"""The offset of a place counted from 1; past an end means that end.

    >>> offset_of("ab\ncd", 2, 2), offset_of("ab\ncd", 1, 9), offset_of("ab", 9, 1)
    (4, 2, 2)
    """
    start = 0
    for _ in range(line - 1):
        newline = text.find("\n", start)
        if newline < 0:
            return len(text)
        start = newline + 1
    end = text.find("\n", start)
    content = text[start : end if end >= 0 else len(text)].rstrip("\r")
    return start + min(max(column - 1, 0), len(content))


async def _complete(
    cursor: Cursor, settings: Settings, show: Show, trace: Trace
) -> Completion:
    engine = assemble.build_engine(
        settings.engine, log_level=settings.log.level, policy=assemble.ONE_CRASH
    )
    folder = workspace_of(workspace.file_of(cursor).parent)
    # Without a repository nobody knows what belongs to the file.
    is_known = settings.context.enabled and is_repository(folder)
    folders = [folder] if is_known else []
    engine.start()
    try:
        async with workspace.opened(
            cursor, settings, folders, INDEX_PATIENCE_S
        ) as context:
            completer = assemble.build_completer(settings, engine, context)
            if folders and completer.family.repository:
                shown = completer.window.shown(cursor)
                budget = completer.window.for_context
                await workspace.gathered(context, cursor, budget, shown)
            await engine.ready()
            show.begin()
            return await completer.complete(cursor, show.grow, trace=trace)
    finally:
        show.end()
        await engine.close()


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


class Show:
    """Prints the suggestion as it grows; on a terminal, where it belongs."""

    def __init__(self, cursor: Cursor, *, is_shown: bool) -> None:
        self._cursor = cursor
        self._is_terminal = is_shown and sys.stdout.isatty()
        self._printed = ""

    def begin(self) -> None:
        if self._is_terminal:
            above = self._cursor.prefix.splitlines(keepends=True)[-SHOWN_LINES:]
            self._print(f"{DIM}{''.join(above)}{RESET}{BOLD}")

    def grow(self, text: str) -> None:
        """Print what is new; white space waits until something follows it."""
        text = hidden_characters(text.rstrip(), Place(self._cursor))
        if self._is_terminal and text.startswith(self._printed):
            self._print(text[len(self._printed) :])
            self._printed = text

    def end(self) -> None:
        """Leave the terminal's colours as they were, also after Ctrl-C."""
        if self._is_terminal:
            self._print(RESET)

    def finish(self, completion: Completion, model: str) -> None:
        text = completion.text
        if not self._is_terminal:
            self._print(text + "\n" if text else "")
        else:
            self._print(
                text.removeprefix(self._printed)
                if text.startswith(self._printed)
                else ""
            )
            below = self._cursor.suffix.splitlines(keepends=True)[:SHOWN_LINES]
            self._print(f"{RESET}{DIM}{''.join(below).rstrip()}{RESET}\n")
        print(self._summary(completion, model), file=sys.stderr)

    def _summary(self, completion: Completion, model: str) -> str:
        usage = completion.usage
        decode_ms = max(usage.total_ms - usage.first_token_ms, 0.1)
        rate = max(usage.generated_tokens - 1, 0) / decode_ms * 1000
        what = "nothing to suggest" if not completion.text else "done"
        if completion.text and not completion.text.startswith(self._printed):
            what = f"kept: {completion.text!r}"
        return (
            f"[{model}: {what}; {usage.prompt_tokens} prompt tokens, first token after "
            f"{usage.first_token_ms:.0f} ms, {usage.generated_tokens} tokens in "
            f"{usage.total_ms:.0f} ms, {rate:.0f} tokens/s, {usage.finish_reason}]"
        )

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
