"""Runs random cases of one target until time, count or a failure ends it."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzz.minimise import minimised
from fuzz.target import Case, Target, write_case

MAX_FAILURES = 10
VARIABLE = re.compile(r"\d+|'[^']*'|\"[^\"]*\"|\[[^\]]*\]")


class TooSlow(Exception):
    """A case took more seconds of computing than its target allows."""


Kind = tuple[str, str]


@dataclass(frozen=True)
class Failure:
    n_case: int
    case: Case
    error: Exception

    @property
    def kind(self) -> Kind:
        """Equal for failures that have probably one cause."""
        text = VARIABLE.sub("", str(self.error).rpartition("\n")[2])
        return type(self.error).__name__, text


@dataclass(frozen=True)
class Outcome:
    """The numbers of cases and of inputs in them, and one failure of each kind."""

    n_cases: int
    n_inputs: int
    failures: Mapping[Kind, Failure]


def case_of(target: Target, seed: str, n: int) -> Case:
    """The case with this number; the same for the same seed on any machine."""
    return target.make(Random(f"{seed}/{n}"))


def run(
    target: Target,
    seed: str,
    *,
    seconds: float,
    max_inputs: int | None = None,
    on_case: Callable[[int], None] = lambda n: None,
) -> Outcome:
    """Try cases; `on_case` hears the number of each before it is tried."""
    end = time.monotonic() + seconds
    n_cases = n_inputs = 0
    failures: dict[Kind, Failure] = {}
    while time.monotonic() < end and (max_inputs is None or n_inputs < max_inputs):
        on_case(n_cases)
        case = case_of(target, seed, n_cases)
        try:
            n_inputs += tried(target, case)
        except Exception as error:
            failure = Failure(n_cases, case, error)
            failures.setdefault(failure.kind, failure)
            if len(failures) == MAX_FAILURES:
                break
        n_cases += 1
    return Outcome(n_cases, n_inputs, failures)


def tried(target: Target, case: Case) -> int:
    """Check one case within its time; raises whatever is wrong."""
    with _limited(target.cpu_s):
        return target.check(case)


def kept(target: Target, failure: Failure, folder: Path) -> Path:
    """Minimise a failing case and write it to `folder`."""

    def fails(case: Case) -> bool:
        try:
            tried(target, case)
        except Exception as error:
            return Failure(failure.n_case, case, error).kind == failure.kind
        return False

    return write_case(folder, minimised(failure.case, fails))


@contextmanager
def _limited(cpu_s: float) -> Iterator[None]:
    """Interrupt what computes for too long; a busy machine makes no difference.

    Whoever catches that exception on its way does not hide it.
    """
    too_slow = TooSlow(f"more than {cpu_s} s of computing")
    is_over = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_over
        is_over = True
        raise too_slow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    except Exception as exc:
        raise (too_slow if is_over else exc) from exc
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if is_over:
        raise too_slow
