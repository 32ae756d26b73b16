"""Every option there is: one row each, with its form, its default and who may set it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.runtime.log import LEVELS

Value = Any

AUTO = "auto"
# The names of the rules that suggestions go through (docs/filters.md), in their order.
RULES = (
    "opening", "line_echo", "join", "indent",
    "whole_lines", "sentinel", "next_file", "fence", "repeated_pattern",
    "repeated_lines", "repeated_blocks", "line_below", "new_section", "scope",
    "statement", "lines_above", "line_rest", "brackets", "next_lines",
    "empty_comments", "blank_lines", "hidden_characters", "whole_characters",
    "trailing_space", "too_little", "line_ends",
)  # fmt: skip
# What protects the reader of a suggestion is not a project's to switch off.
PROTECTIONS = frozenset(("hidden_characters",))


class Trust(Enum):
    """Whether a project's own file may set an option: it comes with a cloned repository."""

    PROJECT = "project"
    USER = "user"


@dataclass(frozen=True)
class Form:
    """What a value looks like: `name` completes the sentence "expected …"."""

    name: str
    accepts: Callable[[Value], bool]
    from_text: Callable[[str], Value] = str


def integer(low: int, high: int) -> Form:
    def accepts(value: Value) -> bool:
        return type(value) is int and low <= value <= high

    return Form(f"a whole number from {low} to {high}", accepts, int)


def auto_or(form: Form) -> Form:
    """`form`, or the word "auto"."""

    def accepts(value: Value) -> bool:
        return value == AUTO or form.accepts(value)

    def from_text(text: str) -> Value:
        return text if text == AUTO else form.from_text(text)

    return Form(f"{AUTO}, or {form.name}", accepts, from_text)


def one_of(*words: str) -> Form:
    return Form("one of " + ", ".join(words), lambda value: value in words)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _is_absolute(value: Value) -> bool:
    try:
        return isinstance(value, str) and Path(value).expanduser().is_absolute()
    except RuntimeError:  # ~ of nobody
        return False


def _are_words(value: Value) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _subset_of(words: Collection[str]) -> Callable[[Value], bool]:
    return lambda value: _are_words(value) and set(value) <= set(words)


BOOLEAN = Form("true or false", lambda value: isinstance(value, bool), _boolean)
TEXT = Form("a text", lambda value: isinstance(value, str) and bool(value))
WORDS = Form("a list of texts", _are_words, _words)
RULE_NAMES = Form("a list of names of rules", _subset_of(RULES), _words)
HARMLESS_RULE_NAMES = Form(
    f"a list of names of rules without {', '.join(PROTECTIONS)}",
    _subset_of(set(RULES) - PROTECTIONS),
    _words,
)
SKIPPED = frozenset(("comments", "strings"))
WORDS_OF_SKIP = Form(
    "a list of comments, strings",
    lambda value: _are_words(value) and SKIPPED.issuperset(value),
    _words,
)
FILE = Form("an absolute path, or one that begins with ~", _is_absolute)


def _both(ours: list[str], theirs: list[str]) -> list[str]:
    return sorted({*ours, *theirs})


def _last(ours: Value, theirs: Value) -> Value:
    return theirs


@dataclass(frozen=True)
class Option:
    """One row; `None` as a default means that nothing is set.

    `together` is what holds when the user has set one value and a project another:
    what costs or reveals more may only get less. `project_form` is the form of what a
    project may set, where that is narrower.
    """

    name: str
    default: Value
    form: Form
    trust: Trust
    help: str
    together: Callable[[Value, Value], Value] = _last
    project_form: Form | None = None

    def checked(self, value: Value, *, is_project: bool = False) -> Value:
        """The value, or ConfigError with the form it should have."""
        form = (is_project and self.project_form) or self.form
        if not form.accepts(value):
            raise ConfigError(f"{self.name} = {value!r}: expected {form.name}")
        return value

    def parsed(self, text: str) -> Value:
        """As `checked`, for a flag on the command line."""
        try:
            return self.checked(self.form.from_text(text))
        except (ValueError, KeyError):
            raise ConfigError(
                f"{self.name} = {text!r}: expected {self.form.name}"
            ) from None


_ROWS = (
    Option("model", "smollm2-135m", TEXT, Trust.PROJECT,
           "name of a model; `starcoder-lsp models list` shows them"),
    Option("enabled", True, BOOLEAN, Trust.PROJECT, "whether to complete at all", min),
    Option("disabled_languages", [], WORDS, Trust.PROJECT,
           "language ids in which nothing is completed", _both),
    Option("disabled_paths", [], WORDS, Trust.PROJECT,
           "files in which nothing is completed, such as `*.env` or `vendor/*`", _both),
    Option("skip_in", [], WORDS_OF_SKIP, Trust.PROJECT,
           "where nothing is suggested unasked", _both),
    Option("debounce_ms", 40, integer(0, 2000), Trust.PROJECT,
           "how long typing rests at least before the model starts; it waits longer for "
           "what is slow, and not at all when you ask", max),
    Option("alternatives", 3, integer(1, 5), Trust.PROJECT,
           "how many suggestions to make when you ask for them", min),
    Option("speculate", AUTO, one_of(AUTO, "never", "always"), Trust.USER,
           "whether to work on what may be wanted next; auto: unless on battery"),
    Option("statistics", True, BOOLEAN, Trust.USER,
           "whether to count, on this machine only, what becomes of suggestions"),
    Option("multiline", "auto", one_of("auto", "never", "always"), Trust.PROJECT,
           "whether a suggestion may have several lines; auto decides by the place"),
    Option("disabled_rules", [], RULE_NAMES, Trust.PROJECT,
           "rules that suggestions do not go through; docs/filters.md names them",
           _both, HARMLESS_RULE_NAMES),
    Option("max_tokens", 96, integer(1, 1024), Trust.PROJECT,
           "longest suggestion, in tokens", min),
    Option("time_budget_ms", 3000, integer(50, 60_000), Trust.PROJECT,
           "after this time what has been written is shown", min),
    Option("latency_target_ms", 500, integer(20, 60_000), Trust.PROJECT,
           "how long the model may read before it writes; the prompt is cut to fit",
           min),
    Option("max_prompt_tokens", 4096, integer(64, 16_384), Trust.PROJECT,
           "how much of the document the model reads; more is slower", min),
    Option("layout", "auto", one_of("auto", "plain", "psm", "spm"), Trust.PROJECT,
           "order of the prompt; auto is the model's or its family's own"),
    Option("sampler", "greedy", one_of("greedy", "infill"), Trust.PROJECT,
           "how to choose tokens; infill ends the text where the model is unsure"),
    Option("context", True, BOOLEAN, Trust.PROJECT,
           "whether other files of the workspace are indexed and shown to the model",
           min),
    Option("index_max_files", 20_000, integer(1, 1_000_000), Trust.PROJECT,
           "how many files of a workspace folder are indexed at most", min),
    Option("ignore", [], WORDS, Trust.PROJECT,
           "files that are never indexed, as patterns of .gitignore", _both),
    Option("hide_secrets", True, BOOLEAN, Trust.USER,
           "whether the model reads a mark in place of what looks like a credential in "
           "the document, as it does in other files"),
    Option("completion", "auto", one_of("auto", "always", "never"), Trust.USER,
           "whether to offer the completion popup; auto: to editors without ghost text"),
    Option("download", "ask", one_of("ask", "always", "never"), Trust.USER,
           "what to do when the model is not on this machine"),
    Option("model_path", None, FILE, Trust.USER,
           "a GGUF file of your own, used as the family of `model`"),
    Option("gpu_layers", AUTO, auto_or(integer(-1, 1000)), Trust.USER,
           "layers to keep on the GPU; auto is as many as fit, -1 all"),
    Option("kv_type", AUTO, one_of(AUTO, "f16", "q8_0"), Trust.USER,
           "how the KV cache is stored; auto is q8_0 where f16 does not fit"),
    Option("kv_cache_mb", 256, integer(0, 100_000), Trust.USER,
           "how much of what the model has read is kept on disk for the next start; 0 for nothing"),
    Option("threads", 0, integer(0, 1024), Trust.USER,
           "threads to compute with; 0 means one per core"),
    Option("shared_engine", False, BOOLEAN, Trust.USER,
           "one engine for all of your editors instead of one for each"),
    Option("idle_unload_minutes", 30, integer(0, 10_000), Trust.USER,
           "give the model's memory back after so long without a completion; 0 means never"),
    Option("log_level", "warning", one_of(*LEVELS), Trust.USER,
           "how much to log; source text appears only at debug"),
    Option("log_file", None, FILE, Trust.USER, "where to log instead of stderr"),
)  # fmt: skip

OPTIONS: Mapping[str, Option] = {option.name: option for option in _ROWS}
