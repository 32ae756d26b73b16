"""Prints the results of `mutmut run` by module; see docs/mutation-testing.md.

Run as `mutmut results --all true | python tests/mutation_score.py`.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

NOTICED = ("killed", "timeout", "segfault")
UNNOTICED = ("survived", "no tests")


def table(results: Iterable[str]) -> Iterator[str]:
    """Make a Markdown table from lines of the form `MODULE.FUNCTION__mutmut_N: STATUS`.

    >>> for row in table(["    a.b.x_f__mutmut_1: killed", "a.b.x_f__mutmut_2: survived"]):
    ...     print(row)
    | Module | Mutants | Noticed | Survived | Without a test | Score |
    |---|---|---|---|---|---|
    | `a.b` | 2 | 1 | 1 | 0 | 50.0 % |
    | all | 2 | 1 | 1 | 0 | 50.0 % |
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in results:
        name, _, status = line.strip().rpartition(": ")
        if status in (*NOTICED, *UNNOTICED):
            counts[f"`{name.rpartition('.')[0]}`"][status] += 1
    yield "| Module | Mutants | Noticed | Survived | Without a test | Score |"
    yield "|---|---|---|---|---|---|"
    for module, statuses in sorted(counts.items()):
        yield _row(module, statuses)
    yield _row("all", sum(counts.values(), Counter()))


def _row(name: str, statuses: Counter[str]) -> str:
    n_noticed = sum(statuses[status] for status in NOTICED)
    n_missed = [statuses[status] for status in UNNOTICED]
    n_all = n_noticed + sum(n_missed)
    cells = (name, n_all, n_noticed, *n_missed, f"{n_noticed / max(n_all, 1):.1%}")
    return "| " + " | ".join(map(str, cells)).replace("%", " %") + " |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in table(sys.stdin))
