"""Cuts places out of the code that was last written in a repository.

The places are in lines that the last commits added, because those are no older than what
the user writes next. The file is read as it is now, without the text that is wanted.
"""

from __future__ import annotations

import difflib
import random
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.cli.eval.measures.next_line_tasks import names_in
from starcoder_lsp.context.files.reading import read_regular
from starcoder_lsp.context.files.unwanted import MAX_FILE_BYTES
from starcoder_lsp.context.files.walk import Walk
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.languages import language_of
from starcoder_lsp.languages.lines import indentation
from starcoder_lsp.runtime.paths import uri_of

KINDS = ("line", "rest", "block")
# A body of more lines is not what a suggestion writes.
MAX_BLOCK_LINES = 8
# Shorter texts are a bracket or a keyword.
LEAST_CHARACTERS = 4
MAX_PER_FILE = 6
HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True)
class OwnPlace:
    """A place in a file of the repository, and the text that stands there.

    `kind` is `line` for a whole line, `rest` for the end of a line, and `block` for the
    lines below one that opens a block. The cursor's document lacks `wanted`.
    """

    path: Path
    kind: str
    cursor: Cursor
    wanted: str

    @property
    def name(self) -> str:
        return f"{self.path}:{self.cursor.prefix.count(chr(10)) + 1}:{self.kind}"


def places(
    repository: Path, n_commits: int, n_wanted: int, seed: int
) -> list[OwnPlace]:
    """Cut places of all kinds; the same seed and files give the same places.

    Raises ConfigError if the folder is no repository, or too little was added.
    """
    chance = random.Random(seed)
    found: list[OwnPlace] = []
    for path, numbers in sorted(_added_lines(repository, n_commits).items()):
        candidates = list(_cuts(repository / path, path, numbers, chance))
        found += chance.sample(candidates, min(MAX_PER_FILE, len(candidates)))
    if not found:
        raise ConfigError(
            f"the last {n_commits} commits of {repository} added no code that is read "
            "for context; try more --commits"
        )
    chance.shuffle(found)
    return found[:n_wanted]


def edit_similarity(text: str, wanted: str) -> float:
    """Return how alike two texts are, from 0 to 1, as `difflib` counts matches."""
    matcher = difflib.SequenceMatcher(
        None, text.strip(), wanted.strip(), autojunk=False
    )
    return matcher.ratio()


def identifier_match(text: str, wanted: str) -> float:
    """Return the F1 score of the names of a text against those that were wanted.

    >>> identifier_match("load(path)", "load(file)"), identifier_match("", "")
    (0.5, 1.0)
    """
    ours, theirs = names_in(text), names_in(wanted)
    if not ours and not theirs:
        return 1.0
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def _added_lines(repository: Path, n_commits: int) -> Mapping[Path, set[int]]:
    """Return the numbers of the lines that the last commits added, counted from 0.

    Files that no context would be read from have none.
    """
    first = _git(repository, "rev-list", f"--max-count={n_commits + 1}", "HEAD").split()
    base = first[-1] if len(first) > n_commits else EMPTY_TREE
    options = (
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--no-renames",
        "--relative",
    )
    read = {one.relative for one in Walk(str(repository))}
    found: dict[Path, set[int]] = {}
    numbers: set[int] = set()
    for line in _git(repository, "diff", *options, base, "--", ".").split("\n"):
        if line.startswith("+++ "):
            name = line[len("+++ b/") :].rstrip("\t")
            numbers = found.setdefault(Path(name), set()) if name in read else set()
        elif hunk := HUNK.match(line):
            start, n_lines = int(hunk[1]) - 1, int(hunk[2] or 1)
            numbers.update(range(start, start + n_lines))
    return found


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError:
        raise ConfigError("git is not on PATH") from None
    except subprocess.CalledProcessError as exc:
        reason = exc.stderr.decode("utf-8", "replace").strip()
        raise ConfigError(f"{repository}: {reason}") from None
    return done.stdout.decode("utf-8", "replace")


def _cuts(
    file: Path, path: Path, numbers: set[int], chance: random.Random
) -> Iterator[OwnPlace]:
    try:
        source, _ = read_regular(str(file), MAX_FILE_BYTES)
    except OSError:
        return  # deleted since the last commit
    text, language = source.decode("utf-8", "replace"), language_of(file)
    lines = [f"{line}\n" for line in text.split("\n")]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for number in sorted(numbers & set(range(len(lines)))):
        for kind, start, end in _spans(lines, starts, number, numbers, chance):
            wanted = text[start:end]
            if len(wanted.strip()) < LEAST_CHARACTERS or not language:
                continue
            document = Document(text[:start] + text[end:], uri_of(file), language)
            yield OwnPlace(path, kind, Cursor(document, start), wanted)


def _spans(
    lines: Sequence[str],
    starts: Sequence[int],
    number: int,
    added: set[int],
    chance: random.Random,
) -> Iterator[tuple[str, int, int]]:
    """Yield a kind and the offsets of the text to cut, for one added line."""
    line = lines[number].rstrip()
    start, indent = starts[number], len(indentation(line))
    end = start + len(line)
    if not line:
        return
    yield "line", start + indent, end
    edges = [one.start() for one in re.finditer(r"(?<=\W)\b|(?<=\w)(?=\W)", line)]
    if inside := [edge for edge in edges if edge > indent]:
        yield "rest", start + chance.choice(inside), end
    n_body = _body_lines(lines, number)
    body = range(number + 1, number + 1 + n_body)
    if 0 < n_body <= MAX_BLOCK_LINES and added.issuperset(body):
        # The empty line below the opener has its indentation already, as in an editor.
        inner = len(indentation(lines[number + 1]))
        last = lines[body[-1]].rstrip()
        yield "block", starts[number + 1] + inner, starts[body[-1]] + len(last)


def _body_lines(lines: Sequence[str], number: int) -> int:
    """Return how many lines below a line are indented deeper, without blank ones at the end."""
    indent, n_body = len(indentation(lines[number])), 0
    for offset, line in enumerate(lines[number + 1 :], 1):
        if line.strip():
            if len(indentation(line.rstrip("\n"))) <= indent:
                break
            n_body = offset
        if offset > MAX_BLOCK_LINES + 1:
            break
    return n_body
