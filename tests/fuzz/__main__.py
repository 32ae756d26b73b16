"""`make fuzz`: random input for every target, or for those that are named.

    PYTHONPATH=tests python -P -m fuzz --target sessions --seconds 600
    PYTHONPATH=tests python -P -m fuzz --target sessions --seed 1a2b3c4d --count 100000
    PYTHONPATH=tests python -P -m fuzz --replay tests/fuzz/corpus/sessions/*.json

Each run has a new seed, which it prints. A failing case is made smaller and kept in
tests/fuzz/corpus/, which `make test` tries again.
"""

from __future__ import annotations

import argparse
import logging
import mmap
import os
import secrets
import sys
import time
import traceback
from pathlib import Path

from fuzz import campaign
from fuzz.target import CORPUS, Target, read_case, write_case
from fuzz.targets import TARGETS

LONG_S = 10**9


def main() -> int:
    arguments = _parsed()
    if arguments.replay:
        return max(map(_replay, arguments.replay))
    # Damaged input is what most warnings are about.
    logging.getLogger("starcoder_lsp").addHandler(logging.NullHandler())
    names = arguments.target or list(TARGETS)
    seconds = arguments.seconds / len(names) if arguments.seconds else LONG_S
    results = [
        _in_child(name, arguments.seed, seconds, arguments.count) for name in names
    ]
    return max(results)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser("fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", choices=list(TARGETS))
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--count", type=int, help="inputs for each target")
    parser.add_argument("--seconds", type=float, help="for all targets together")
    parser.add_argument("--replay", type=Path, nargs="+", help="files of the corpus")
    arguments = parser.parse_args()
    if arguments.seconds is None and arguments.count is None:
        arguments.seconds = 60.0
    return arguments


def _in_child(name: str, seed: str, seconds: float, max_inputs: int | None) -> int:
    """Fuzz in a process of its own, and keep also the case that kills that."""
    n_case = mmap.mmap(-1, 8)  # shared with the child
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            status = _fuzz(name, seed, seconds, max_inputs, n_case)
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        os._exit(status)
    _, wait_status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(wait_status):
        n = int.from_bytes(n_case[:], "little")
        case = campaign.case_of(TARGETS[name], seed, n)
        file = write_case(CORPUS / name, case)
        print(
            f"{name}: signal {os.WTERMSIG(wait_status)} in case {n} of {seed}: {file}"
        )
        return 1
    return os.waitstatus_to_exitcode(wait_status)


def _fuzz(
    name: str, seed: str, seconds: float, max_inputs: int | None, n_case: mmap.mmap
) -> int:
    def note(n: int) -> None:
        n_case[:] = n.to_bytes(8, "little")

    target, began = TARGETS[name], time.monotonic()
    outcome = campaign.run(
        target, seed, seconds=seconds, max_inputs=max_inputs, on_case=note
    )
    lasted = time.monotonic() - began
    print(
        f"{name}: {outcome.n_inputs} inputs in {outcome.n_cases} cases, "
        f"{outcome.n_inputs / lasted:.0f} a second, seed {seed}",
        flush=True,
    )
    for failure in outcome.failures.values():
        traceback.print_exception(failure.error)
        file = campaign.kept(target, failure, CORPUS / name)
        print(f"case {failure.n_case} failed; the smallest such case is {file}")
    return len(outcome.failures) and 1


def _replay(file: Path) -> int:
    target: Target = TARGETS[file.absolute().parent.name]
    try:
        campaign.tried(target, read_case(file))
    except Exception as error:
        traceback.print_exception(error)
        print(f"{file} fails")
        return 1
    print(f"{file} is handled as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
