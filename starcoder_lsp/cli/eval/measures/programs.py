"""Programs that a model completes and tests judge: HumanEval, MBPP and MultiPL-E.

HumanEval (https://github.com/openai/human-eval, MIT) gives the head of a function, MBPP
(https://github.com/google-research/google-research/tree/master/mbpp, CC BY 4.0) a task
in words and one test, MultiPL-E (https://github.com/nuprl/MultiPL-E) HumanEval in other
languages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from starcoder_lsp.cli.eval.measures.estimates import (
    mean_interval,
    pass_at_k,
    share_interval,
)
from starcoder_lsp.cli.eval.rows import Row, text_of
from starcoder_lsp.errors import ConfigError

PYTHON = "python"
# What begins behind the function: Chen et al. 2021, section 2.2.
HUMANEVAL_STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint", "\n@", "\n```")
MBPP_STOPS = (
    "\n[DONE]",
    "\nassert",
    "\nprint",
    '\n"""',
    "\n# ",
    "\nif __name__",
    "\n```",
)
KS = (1, 10, 100)


@dataclass(frozen=True)
class ProgramTask:
    """The beginning of a program, the tests behind it, and where an answer ends.

    `language` is `python` or a row of toolchains.toml. `setup` stands before an answer
    that is a whole program, `prompt` before one that continues it.
    """

    name: str
    prompt: str
    tests: str
    stops: Sequence[str]
    language: str = PYTHON
    is_whole: bool = False

    def program(self, completion: str) -> str:
        head = "" if self.is_whole else self.prompt
        return f"{head}{completion}\n{self.tests}\n"

    def cut(self, raw: str) -> str:
        r"""Return a model's text up to the first stop.

        >>> ProgramTask("a", "def f():", "", ["\ndef"]).cut(" pass\ndef g(): ...")
        ' pass'
        """
        ends = [raw.find(stop) for stop in self.stops]
        return raw[: min((end for end in ends if end >= 0), default=len(raw))]


def humaneval_task(row: Row) -> ProgramTask:
    columns = ("task_id", "prompt", "test", "entry_point")
    name, prompt, test, entry = (text_of(row, one, "HumanEval") for one in columns)
    tests = f"\n{test}\ncheck({entry})"
    return ProgramTask(name, prompt, tests, HUMANEVAL_STOPS)


def mbpp_task(row: Row) -> ProgramTask:
    """The task of a row of MBPP, of the whole or of the sanitized set.

    The prompt is the task and its first test in a docstring, as EvalPlus asks base models
    (https://github.com/evalplus/evalplus).
    """
    text = text_of(row, "text" if "text" in row else "prompt", "MBPP")
    tests = row.get("test_list")
    if not isinstance(tests, list) or not tests:
        raise ConfigError("a row has no test_list: is this a file of MBPP?")
    setup = [*row.get("test_imports", []), row.get("test_setup_code", "")]
    return ProgramTask(
        f"Mbpp/{row.get('task_id')}",
        f'"""\n{text.strip()}\n{tests[0]}\n"""\n',
        "\n".join([*setup, *tests]),
        MBPP_STOPS,
        is_whole=True,
    )


def multipl_e_task(row: Row) -> ProgramTask:
    columns = ("name", "prompt", "tests", "language")
    name, prompt, tests, language = (text_of(row, one, "MultiPL-E") for one in columns)
    # Go's rows are named after the file that they become.
    language = language.partition("_")[0]
    stops = tuple(row.get("stop_tokens", ()))
    return ProgramTask(f"{language}/{name}", prompt, tests, stops, language)


def samples_of(rows: Iterable[Row]) -> Mapping[str, list[str]]:
    """Return the recorded answers to each task, in the forms of HumanEval and EvalPlus.

    `completion` continues the prompt; `solution` is a whole program.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        name = text_of(row, "task_id", "recorded samples")
        column = "completion" if "completion" in row else "solution"
        found[name].append(text_of(row, column, "recorded samples"))
    return found


def verdicts_of(recorded: Mapping[str, Any]) -> Mapping[str, list[bool]]:
    """Return which samples passed the base tests, from an EvalPlus file of results."""
    try:
        return {
            name: [one["base_status"] == "pass" for one in samples]
            for name, samples in recorded["eval"].items()
        }
    except (LookupError, TypeError, AttributeError) as exc:
        raise ConfigError(f"this is no file of EvalPlus results: {exc!r}") from exc


def summary(passed: Mapping[str, Sequence[bool]]) -> dict[str, Any]:
    """Return the figures for the samples of each task that passed: pass@k for each k.

    With one sample for each task the interval is that of a share, otherwise a bootstrap
    over the tasks.
    """
    if not passed:
        raise ConfigError("there are no tasks")
    counts = [(len(one), sum(one)) for one in passed.values()]
    n_right = sum(n_passed for _, n_passed in counts)
    figures: dict[str, Any] = {
        "n": len(counts),
        "n_samples": sum(n for n, _ in counts),
        "passed": n_right,
    }
    for k in KS:
        if all(n >= k for n, _ in counts):
            values = [pass_at_k(n, n_passed, k) for n, n_passed in counts]
            is_share = all(n == 1 for n, _ in counts)
            interval = (
                share_interval(n_right, len(counts))
                if is_share
                else mean_interval(values)
            )
            figures[f"pass_at_{k}"] = round(mean(values), 4)
            figures[f"pass_at_{k}_95"] = interval
    return figures
