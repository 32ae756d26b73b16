"""`starcoder-lsp context`: shows what the model reads of other files at one place."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from starcoder_lsp.cli import workspace
from starcoder_lsp.cli.flags import add_option_flags, resolve_for, workspace_of
from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.context import Gathered
from starcoder_lsp.errors import ConfigError, StarcoderError
from starcoder_lsp.flow import CURSOR_MARK, Cursor, Snippet, readable
from starcoder_lsp.runtime import log
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

DEFAULT_CHARACTERS = 4000
# Other files may have more tokens per character than this one: then smaller budgets are
# tried.
N_TRIES, SMALLER = 8, 0.95
SAMPLE_CHARACTERS = 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COLUMN",
        help=f"counted from 1, in characters; or a FILE that has {CURSOR_MARK} in it",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--budget-chars", type=int, help="at most this many characters")
    budget.add_argument(
        "--budget-tokens",
        type=int,
        help="at most this many tokens, counted by the model if it is on this machine",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    cursor = workspace.read_cursor(parsed.place)
    file = workspace.file_of(cursor)
    settings = resolve_for(file.parent, parsed).settings
    if not settings.context.enabled:
        raise ConfigError("context = false: no other files are read; set it to true")
    log.set_up(settings.log.level, settings.log.file)
    count = _counter(settings)
    budget = _budget(parsed, cursor, count)
    gathered = asyncio.run(_gather(cursor, file, settings, budget, count))
    if parsed.json:
        print(json.dumps(as_object(gathered, count)))
    else:
        _show(gathered, count)
    return 0


@dataclass(frozen=True)
class Counter:
    """Counts tokens; `why_guessed` is empty where the model itself counts."""

    of: Callable[[str], int]
    why_guessed: str = ""

    def of_snippet(self, snippet: Snippet) -> int:
        return self.of(f"{snippet.path}\n{snippet.text}\n")

    def of_all(self, gathered: Gathered) -> int:
        return sum(map(self.of_snippet, gathered.snippets))


@dataclass(frozen=True)
class Budget:
    """The most that may be gathered; any number of tokens unless `n_tokens` is given."""

    n_characters: int
    n_tokens: float = math.inf


def _counter(settings: Settings) -> Counter:
    try:
        return Counter(assemble.token_counter(settings.engine))
    except (StarcoderError, ImportError) as exc:
        guess = Window.CHARACTERS_PER_TOKEN
        return Counter(lambda text: math.ceil(len(text) / guess), str(exc))


def _budget(parsed: argparse.Namespace, cursor: Cursor, count: Counter) -> Budget:
    if parsed.budget_tokens is None:
        wanted = parsed.budget_chars
        return Budget(DEFAULT_CHARACTERS if wanted is None else wanted)
    text = cursor.document.text[:SAMPLE_CHARACTERS] or " "
    density = len(text) / max(count.of(text), 1)
    return Budget(int(parsed.budget_tokens * density), parsed.budget_tokens)


async def _gather(
    cursor: Cursor, file: Path, settings: Settings, budget: Budget, count: Counter
) -> Gathered:
    shown = Window.of_tokens(settings.engine.max_prompt_tokens).shown(cursor)
    folders = [workspace_of(file.parent)]
    n_characters = budget.n_characters
    async with workspace.opened(cursor, settings, folders) as context:
        for _ in range(N_TRIES):
            found = await workspace.gathered(context, cursor, n_characters, shown)
            n_tokens = count.of_all(found)
            if n_tokens <= max(budget.n_tokens, 0):
                return found
            n_characters = int(n_characters * SMALLER * budget.n_tokens / n_tokens)
    return replace(found, snippets=())


def as_object(gathered: Gathered, count: Counter) -> dict[str, object]:
    return {
        "path": gathered.path,
        "repository": gathered.repository,
        "tokens_are_estimated": bool(count.why_guessed),
        "snippets": [
            {
                **asdict(each),
                "text": readable(each.text),
                "tokens": count.of_snippet(each),
            }
            for each in gathered.snippets
        ],
    }


def _show(gathered: Gathered, count: Counter) -> None:
    about = "about " if count.why_guessed else ""
    for each in gathered.snippets:
        lines = f"{each.first_line + 1}-{each.last_line + 1}"
        head = f"{each.path}:{lines} [{each.source} {each.score:.2f}]"
        told = f"{head} {about}{count.of_snippet(each)} tokens: {each.why}"
        print(printable(told))
        print("\n".join(f"    {line}" for line in readable(each.text).split("\n")))
    total = f"{about}{count.of_all(gathered)} tokens"
    print(f"{len(gathered.snippets)} pieces, {total}", file=sys.stderr)
    if count.why_guessed:
        print(f"tokens are estimated: {count.why_guessed}", file=sys.stderr)
