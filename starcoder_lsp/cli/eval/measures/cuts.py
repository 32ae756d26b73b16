"""Makes infilling tasks from the functions of HumanEval: lines, several lines, spans.

This follows Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the
Middle", section 4: the text that is cut out of a canonical solution is the wanted one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from starcoder_lsp.cli.eval.rows import Row, text_of

# Prefix, middle and suffix of one task.
Cut = tuple[str, str, str]


def single_lines(solution: str, _chance: random.Random) -> Iterator[Cut]:
    """Cut out each line that is not blank."""
    lines = solution.splitlines(keepends=True)
    for i, line in enumerate(lines):
        if line.strip():
            yield "".join(lines[:i]), line, "".join(lines[i + 1 :])


def several_lines(solution: str, chance: random.Random) -> Iterator[Cut]:
    """Cut out two lines or more, once from each line on."""
    lines = solution.splitlines(keepends=True)
    for start in range(len(lines) - 1):
        end = chance.randint(start + 2, len(lines))
        if all(lines[i].strip() for i in (start, end - 1)):
            middle = "".join(lines[start:end])
            yield "".join(lines[:start]), middle, "".join(lines[end:])


def random_spans(solution: str, chance: random.Random) -> Iterator[Cut]:
    """Cut out characters between two random places, once."""
    start, end = sorted(chance.sample(range(len(solution) + 1), 2))
    yield solution[:start], solution[start:end], solution[end:]


CUTS: Mapping[str, Callable[[str, random.Random], Iterator[Cut]]] = {
    "single-line": single_lines,
    "multi-line": several_lines,
    "random-span": random_spans,
}


def tasks_of(rows: list[Row], kind: str) -> Iterator[Row]:
    """Yield infilling tasks cut out of rows of HumanEval; always the same ones."""
    for row in rows:
        prompt, solution, name = (
            text_of(row, one, "HumanEval")
            for one in ("prompt", "canonical_solution", "task_id")
        )
        chance = random.Random(f"{kind} {name}")
        for number, (before, middle, after) in enumerate(CUTS[kind](solution, chance)):
            yield {
                "task_id": f"{kind}/{name}/{number}",
                "prompt": prompt + before,
                "suffix": after,
                "canonical_solution": middle,
                "test": row["test"],
                "entry_point": row["entry_point"],
            }
