"""What will be wanted next: the suggestion after the one that is shown is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.flow import NO_VERSION, Completion, Cursor
from starcoder_lsp.languages.lines import indentation


async def after_accepting(
    completer: Completer,
    cursor: Cursor,
    read_as: Cursor,
    on_text: Callable[[str], None],
    trace: Trace,
) -> Completion:
    """What goes on at the end of an accepted suggestion: its line, else the next one."""
    completer = replace(completer, limits=replace(completer.limits, yields=True))
    completion = await completer.complete(cursor, on_text, read_as=read_as, trace=trace)
    if completion.text.strip() or cursor.line_suffix.strip():
        return completion
    line_break = cursor.document.newline + indentation(cursor.line_prefix)
    below = await completer.complete(typed(cursor, line_break), trace=trace)
    if not below.text.strip():
        return completion
    return replace(below, text=line_break + below.text)


def accepted(cursor: Cursor, completion: Completion) -> Cursor:
    """The cursor as it will be when the user takes the completion."""
    after = cursor.suffix[completion.n_replaced :]
    prefix = cursor.prefix + completion.text
    document = replace(cursor.document, text=prefix + after, version=NO_VERSION)
    return Cursor(document, len(prefix))


def typed(cursor: Cursor, text: str) -> Cursor:
    return accepted(cursor, Completion(text))
