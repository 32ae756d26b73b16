"""Measures how much recent edits help with the next one, by replaying commits.

    python benchmarks/recent_edits.py [--repository .] [--commits 60] [--until HEAD]

The benchmark takes each commit that changes 2 to 25 Python files, and edits the changed
places one after the other. At each place outside the first file, it looks at the names in
the first three new lines that the prompt does not show, and measures the share of them in
the context, with and without recent edits. It does so twice: with the replaced text
deleted, and with that text still below the cursor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from starcoder_lsp.context.index.reader import Index, index_in_memory
from starcoder_lsp.context.retrieve.gather import SOURCES, gather
from starcoder_lsp.context.retrieve.recent_edits import RecentEdits
from starcoder_lsp.context.retrieve.scene import IDENTIFIER, Scene
from starcoder_lsp.context.syntax import parse

BUDGET_CHARACTERS = 2250
SHOWN_ABOVE, SHOWN_BELOW = 3000, 1500
MAX_FILES = 25
GOLD_LINES = 3
WITHOUT = tuple(source for source in SOURCES if source != "edits")


@dataclass(frozen=True)
class Step:
    """A changed place: the document before the edit, and the lines that replace others."""

    path: str
    text: Sequence[str]
    start: int
    end: int
    written: Sequence[str]

    @property
    def done(self) -> str:
        return "\n".join(
            [*self.text[: self.start], *self.written, *self.text[self.end :]]
        )

    def scene(self, rest_from: int) -> Scene:
        """Put the cursor after the indentation of the new lines.

        `rest_from` is the line of the old text that follows the cursor.
        """
        first = self.written[0]
        indent = first[: len(first) - len(first.lstrip())]
        above = "\n".join([*self.text[: self.start], indent])
        text = "\n".join([above, *self.text[rest_from:]])
        at = len(above)
        return Scene(
            self.path,
            text,
            at,
            parse("python", text.encode()),
            max(at - SHOWN_ABOVE, 0),
            at + SHOWN_BELOW,
        )


class Replay:
    """An index with a repository's Python files as they were at a commit."""

    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._known: dict[str, str] = {}
        self.index = index_in_memory()

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", self._repository, *arguments]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "replace")

    def put(self, path: str, text: str) -> None:
        self.index.put(path, text, parse("python", text.encode()))

    def go_to(self, commit: str) -> None:
        """Put the files of `commit` into the index; unchanged ones stay."""
        now = {}
        for line in self.git("ls-tree", "-r", commit).splitlines():
            mode_and_hash, path = line.split("\t", 1)
            if path.endswith(".py"):
                now[path] = mode_and_hash.split()[-1]
        for path in self._known.keys() - now.keys():
            self.index.remove(path)
        for path, digest in now.items():
            if self._known.get(path) != digest:
                self.put(path, self.git("show", f"{commit}:{path}"))
        self._known = now

    def steps(self, commit: str) -> Iterator[Step]:
        """Yield the changed places of `commit`, file by file, tests last."""
        diff = ("diff", "--name-only", "--diff-filter=M", f"{commit}~", commit)
        paths = self.git(*diff, "--", "*.py").splitlines()
        if not 2 <= len(paths) <= MAX_FILES:
            return
        for path in sorted(paths, key=lambda path: path.startswith("test")):
            self._known.pop(path)  # the edits change it, so go_to has to read it again
            old = self.git("show", f"{commit}~:{path}").split("\n")
            new = self.git("show", f"{commit}:{path}").split("\n")
            codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            for what, start, end, new_start, new_end in codes:
                if what != "equal":
                    # The text above is new already.
                    text = [*new[:new_start], *old[start:]]
                    written = new[new_start:new_end]
                    yield Step(path, text, new_start, new_start + end - start, written)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--repository", default=".", help="a git repository")
    arguments.add_argument("--commits", type=int, default=60, help="how many")
    arguments.add_argument("--until", default="HEAD", help="the last commit")
    given = arguments.parse_args()
    replay = Replay(given.repository)
    edits = RecentEdits()
    found: defaultdict[str, list[float]] = defaultdict(list)
    listed = ("log", "--no-merges", "--format=%h", f"-{given.commits}", given.until)
    for commit in reversed(replay.git(*listed).split()):
        replay.go_to(f"{commit}~")
        first = ""
        for step in replay.steps(commit):
            first = first or step.path
            if step.path != first and step.written:
                ask(step, replay.index, edits, found)
            edits.changed(step.path, "\n".join(step.text), step.done)
            replay.put(step.path, step.done)
    shares = {name: round(statistics.mean(each), 4) for name, each in found.items()}
    n = {name: len(each) for name, each in found.items() if name.startswith("with ")}
    print(json.dumps({"found": shares, "n": n}, indent=2))


def ask(
    step: Step, index: Index, edits: RecentEdits, found: defaultdict[str, list[float]]
) -> None:
    gold = frozenset(IDENTIFIER.findall("\n".join(step.written[:GOLD_LINES])))
    for kind, rest_from in (("replaced", step.end), ("inserted above", step.start)):
        scene = step.scene(rest_from)
        if not (wanted := gold - scene.shown_names):
            continue
        for name, sources in (("with", SOURCES), ("without", WITHOUT)):
            snippets = gather(
                scene,
                index,
                BUDGET_CHARACTERS,
                memories={"edits": edits},
                sources=sources,
            )
            held = IDENTIFIER.findall("\n".join(each.text for each in snippets))
            share = len(wanted.intersection(held)) / len(wanted)
            found[f"{name} edits, {kind}"].append(share)


if __name__ == "__main__":
    main()
