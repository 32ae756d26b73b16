"""Types code in an editor that closes brackets, and counts closers that are doubled.

    python benchmarks/typing/auto_close.py FOLDER --model NAME [--number N] [--seed N]

At each place, a line of the folder's code is typed up to a random column behind a bracket
or quote that is still open. The editor inserts the closer with each opener, and types over
it. The suggestion there is accepted, and the brackets of the line are counted: a closer
that has no opener was not there before, so that it is there twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from starcoder_lsp.cli.eval.places.cut import CLOSER_OF, closers_due
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.postprocess.nesting import match, read
from starcoder_lsp.context import Edit
from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.languages import language, language_of
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve
from starcoder_lsp.suggesting.ask import Ask
from starcoder_lsp.suggesting.suggester import Suggester

PAIRS = {**CLOSER_OF, '"': '"', "'": "'"}
# Short prompts and texts: what counts is the end of the text, not how good it is.
OPTIONS = {"max_tokens": 12, "max_prompt_tokens": 64, "time_budget_ms": 60_000,
           "latency_target_ms": 60_000, "context": False}  # fmt: skip
MAX_LINE = 160


@dataclass(frozen=True)
class Typed:
    """A line, typed up to `column`, with the text above it and below it."""

    name: str
    above: str
    line: str
    column: int
    below: str


class Editor:
    """A document in an editor that closes brackets; `inserted` is right of the cursor."""

    def __init__(self, uri: str, typed: Typed, suggester: Suggester) -> None:
        self.uri = uri
        self.suggester = suggester
        self.language = language_of(Path(typed.name))
        self.text = typed.above + typed.below
        self.offset = len(typed.above)
        self.inserted = ""

    @property
    def cursor(self) -> Cursor:
        document = Document(self.text, self.uri, self.language)
        return Cursor(document, self.offset)

    def type(self, sign: str) -> None:
        if self.inserted and sign == self.inserted[0]:
            # The editor types over its own closer: only the cursor moves.
            self.inserted = self.inserted[1:]
            self.offset += 1
            return
        is_in_string = self.inserted[:1] in ("'", '"')
        closer = "" if is_in_string else PAIRS.get(sign, "")
        self._edit(Edit(self.offset, self.offset, sign + closer))
        self.inserted = closer + self.inserted
        self.offset += 1

    def accept(self, completion: Completion) -> None:
        end = self.offset + completion.n_replaced
        self._edit(Edit(self.offset, end, completion.text))

    def _edit(self, edit: Edit) -> None:
        self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        self.suggester.note_edits(self.uri, [edit])


def lines(folder: Path, chance: random.Random) -> Iterator[Typed]:
    """Yield lines of the folder's code, in a random order, without end."""
    files = [one for one in sorted(folder.rglob("*")) if one.is_file()]
    while True:
        file = chance.choice(files)
        if language_of(file) == "plaintext":
            continue
        said = file.read_text("utf-8", "replace").splitlines(keepends=True)
        i = chance.randrange(max(len(said), 1))
        line = said[i].rstrip("\r\n") if said else ""
        open_at = [n for n in range(1, len(line)) if closers_due(line[:n])]
        if open_at and len(line) <= MAX_LINE:
            above, below = "".join(said[:i]), "\n" + "".join(said[i + 1 :])
            yield Typed(file.name, above, line, chance.choice(open_at), below)


def n_surplus(cursor: Cursor, inserted: str, shown: Completion) -> int:
    """Count the closers of the inserted kinds that have no opener on the cursor's lines.

    In a comment or string they count as characters.
    """
    row = language(cursor.document.language)
    before = read(cursor.prefix, row)
    rest = cursor.line_suffix[shown.n_replaced :]
    if before.literal:
        first = shown.text.partition("\n")[0]
        line = f"{cursor.line_prefix}{first}{rest if first == shown.text else ''}"
        return max((_n_closed_too_often(line, one) for one in inserted), default=0)
    start = cursor.offset - len(cursor.line_prefix)
    opens = [mark for mark in before.opens if mark.offset >= start]
    closes = [m for m in read(shown.text + rest, row).closes if m.text in inserted]
    return len(match(opens, closes).surplus)


def _n_closed_too_often(line: str, closer: str) -> int:
    opener = next((one for one, other in CLOSER_OF.items() if other == closer), closer)
    return max(line.count(closer) - line.count(opener), 0)


async def measure(
    completer: Completer,
    settings: Settings,
    typed: Iterator[Typed],
    n_wanted: int,
    *,
    is_verbose: bool,
) -> dict[str, int]:
    suggester = Suggester()
    n_accepted = n_places = n_doubled = 0
    while n_accepted < n_wanted:
        one = next(typed)
        n_places += 1
        editor = Editor(f"file:///{n_places}/{one.name}", one, suggester)
        for sign in one.line[: one.column]:
            editor.type(sign)
        ask = Ask(editor.cursor, completer, settings, waits=False)
        found = await suggester.suggest(ask)
        shown = found.completions[0] if found and found.completions else Completion("")
        if shown.text:
            n_accepted += 1
            cursor = editor.cursor
            inserted = editor.inserted
            was = n_surplus(cursor, inserted, Completion(""))
            is_doubled = n_surplus(cursor, inserted, shown) > was
            n_doubled += is_doubled
            if is_doubled or is_verbose:
                line = cursor.line_prefix + "█" + cursor.line_suffix
                row = [is_doubled, one.name, line, shown.text, shown.n_replaced]
                print(json.dumps(row, ensure_ascii=False), flush=True)
            editor.accept(shown)
            if n_accepted % 50 == 0:
                print(f"{n_accepted} accepted, {n_doubled} doubled", file=sys.stderr)
        suggester.forget(editor.uri)
    return {"places": n_places, "accepted": n_accepted, "doubled": n_doubled}


async def run(parsed: argparse.Namespace) -> dict[str, int]:
    layer = Layer("benchmark", {**OPTIONS, "model": parsed.model})
    settings = resolve([layer]).settings
    engine = assemble.build_engine(
        settings.engine, log_level="warning", policy=assemble.ONE_CRASH
    )
    engine.start()
    try:
        await engine.ready()
        completer = assemble.build_completer(settings, engine)
        style = replace(completer.style, can_replace=not parsed.cannot_replace)
        completer = replace(completer, style=style)
        chance = random.Random(parsed.seed)
        typed = lines(parsed.folder, chance)
        return await measure(
            completer, settings, typed, parsed.number, is_verbose=parsed.verbose
        )
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of code")
    parser.add_argument("--model", required=True)
    parser.add_argument("--number", type=int, default=1000, help="how many to accept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print every place")
    parser.add_argument(
        "--cannot-replace",
        action="store_true",
        help="an editor that only inserts text at the cursor",
    )
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
