"""What recent edits tell of the next one: the commits of a repository, typed once more.

    python benchmarks/recent_edits.py [--repository .] [--commits 60] [--until HEAD]

Of each commit that changes 2 to 25 Python files, the changed places are edited one after
the other. Before each but those of the first file, the cursor stands where it begins, once
without the text that it replaces and once with it, and the names of its first three lines
that the prompt does not show yet are looked for in the context: the share found, with
recent edits and without them.
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
    """One changed place: the document before it, and the lines that are written there."""

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
        """The cursor behind the indentation of what will be written."""
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
    """A repository's Python files in an index, as they were at each commit."""

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
        """Read what is another file than before."""
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
        """Its changed places, file by file, tests last; those files are read again then."""
        diff = ("diff", "--name-only", "--diff-filter=M", f"{commit}~", commit)
        paths = self.git(*diff, "--", "*.py").splitlines()
        if not 2 <= len(paths) <= MAX_FILES:
            return
        for path in sorted(paths, key=lambda path: path.startswith("test")):
            self._known.pop(path)
            old = self.git("show", f"{commit}~:{path}").split("\n")
            new = self.git("show", f"{commit}:{path}").split("\n")
            codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            for what, start, end, new_start, new_end in codes:
                if what != "equal":
                    # What stands above is new already.
                    text = [*new[:new_start], *old[start:]]
                    written = new[new_start:new_end]
                    yield Step(path, text, new_start, new_start + end - start, written)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--repository", default=".")
    arguments.add_argument("--commits", type=int, default=60)
    arguments.add_argument("--until", default="HEAD")
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
