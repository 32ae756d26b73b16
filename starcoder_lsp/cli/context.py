"""`starcoder-lsp context`: what the model would read of other files at a place."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from starcoder_lsp import log
from starcoder_lsp.cli import workspace
from starcoder_lsp.cli.complete import read_cursor
from starcoder_lsp.cli.flags import add_option_flags, resolve_for, workspace_of
from starcoder_lsp.config import Settings
from starcoder_lsp.context import Gathered
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import CURSOR_MARK, Cursor, Snippet
from starcoder_lsp.prompt import Window

DEFAULT_CHARACTERS = 4000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COLUMN",
        help=f"counted from 1, in characters; or a FILE that has {CURSOR_MARK} in it",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--budget-chars", type=int, help="at most so many characters")
    budget.add_argument("--budget-tokens", type=int, help="about so many tokens")
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    cursor = read_cursor(parsed.place)
    file = workspace.file_of(cursor)
    settings = resolve_for(file.parent, parsed).settings
    if not settings.context.enabled:
        raise ConfigError("context = false: nothing of other files is read")
    log.set_up(settings.log.level, settings.log.file)
    budget = _budget(parsed)
    gathered = asyncio.run(_gather(cursor, file, settings, budget))
    if parsed.json:
        print(json.dumps(as_object(gathered, budget)))
    else:
        _show(gathered, budget)
    return 0


def _budget(parsed: argparse.Namespace) -> int:
    if parsed.budget_tokens is not None:
        return int(parsed.budget_tokens) * Window.CHARACTERS_PER_TOKEN
    return DEFAULT_CHARACTERS if parsed.budget_chars is None else parsed.budget_chars


async def _gather(
    cursor: Cursor, file: Path, settings: Settings, budget: int
) -> Gathered:
    shown = Window.of_tokens(settings.engine.max_prompt_tokens).shown(cursor)
    folders = [workspace_of(file.parent)]
    async with workspace.opened(cursor, settings, folders) as context:
        return await workspace.gathered(context, cursor, budget, shown)


def as_object(gathered: Gathered, budget: int) -> dict[str, object]:
    return {
        "path": gathered.path,
        "repository": gathered.repository,
        "budget_characters": budget,
        "snippets": [
            {**asdict(each), "tokens_about": _tokens(each)}
            for each in gathered.snippets
        ],
    }


def _tokens(snippet: Snippet) -> int:
    n_characters = len(snippet.path) + len(snippet.text)
    return -(-n_characters // Window.CHARACTERS_PER_TOKEN)


def _show(gathered: Gathered, budget: int) -> None:
    for each in gathered.snippets:
        lines = f"{each.first_line + 1}-{each.last_line + 1}"
        head = f"{each.path}:{lines} [{each.source} {each.score:.2f}]"
        print(f"{head} about {_tokens(each)} tokens: {each.why}")
        print("\n".join(f"    {line}" for line in each.text.split("\n")))
    total = sum(map(_tokens, gathered.snippets))
    print(
        f"{len(gathered.snippets)} pieces, about {total} tokens of "
        f"{budget // Window.CHARACTERS_PER_TOKEN}",
        file=sys.stderr,
    )
