"""Every setting there is, declared once, in the section that the program reads it from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starcoder_lsp.completion.postprocess import STAGES, STARTS, STOPS
from starcoder_lsp.engines.remote import LOCAL
from starcoder_lsp.flow import Limits, Style
from starcoder_lsp.runtime.log import LEVELS
from starcoder_lsp.settings.forms import (
    AUTO,
    BOOLEAN,
    FILE,
    STRING,
    STRINGS,
    auto_or,
    integer,
    list_of,
    one_of,
)
from starcoder_lsp.settings.schema import (
    MAY_ADD,
    MAY_LOWER,
    MAY_RAISE,
    MAY_SET,
    MAY_SWITCH_OFF,
    Option,
    declared,
    option,
)
from starcoder_lsp.settings.servers import SERVERS, servers_of

if TYPE_CHECKING:
    from starcoder_lsp.engines.remote.server import RemoteServer

# The names of the rules that suggestions go through (docs/filters.md), in their order.
RULES = tuple(name for name, _ in (*STARTS, *STOPS, *STAGES))
# Rules that protect the reader of a suggestion; a project may not switch them off.
PROTECTIONS = frozenset(("hidden_characters",))
HARMLESS_RULES = list_of(
    set(RULES) - PROTECTIONS,
    f"a list of names of rules without {', '.join(sorted(PROTECTIONS))}",
)


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _unless_auto(value: Any) -> Any:
    return None if value == AUTO else value


# fmt: off
@dataclass(frozen=True)
class EngineSettings:
    """The model, and how it runs; `gpu_layers` of None means as many as fit."""

    engine: str = option(
        LOCAL, STRING,
        "where the model runs: local, or the name of a server in `engines`",
        project=MAY_SET, changes_suggestions=True)
    servers: tuple[RemoteServer, ...] = option(
        {}, SERVERS,
        "servers that run models, each with an address, a model and a key",
        name="engines", users_own=True, changes_suggestions=True, convert=servers_of)
    model: str = option(
        "smollm2-135m", STRING,
        "name of a model; `starcoder-lsp models list` shows them",
        project=MAY_SET, changes_suggestions=True)
    model_path: Path | None = option(
        None, FILE,
        "a GGUF file of your own; its header tells its family, unless `model` names "
        "another model than the default",
        changes_suggestions=True, convert=_path)
    max_tokens: int = option(
        96, integer(1, 1024),
        "longest suggestion, in tokens",
        project=MAY_LOWER, changes_suggestions=True)
    max_prompt_tokens: int = option(
        4096, integer(64, 16_384),
        "how much of the document the model reads; more is slower",
        project=MAY_LOWER, changes_suggestions=True)
    gpu_layers: int | None = option(
        AUTO, auto_or(integer(-1, 1000)),
        "layers to keep on the GPU; auto is as many as fit, -1 all",
        changes_suggestions=True, convert=_unless_auto)
    kv_type: str = option(
        AUTO, one_of(AUTO, "f16", "q8_0"),
        "how the KV cache is stored; auto is q8_0 where f16 does not fit",
        changes_suggestions=True)
    kv_cache_mb: int = option(
        256, integer(0, 100_000),
        "how much of the KV cache is kept on disk for the next start, in MB; 0 keeps "
        "nothing")
    threads: int = option(
        0, integer(0, 1024),
        "threads to compute with; 0 means as many as are fastest at the moment")
    niceness: int = option(
        5, integer(0, 19),
        "how much the engine steps back when other programs want to compute, as of "
        "nice(1); 0 not at all")
    is_shared: bool = option(
        False, BOOLEAN,
        "one engine for all of your editors instead of one for each",
        name="shared_engine")
    idle_unload_s: float = option(
        30, integer(0, 10_000),
        "release the model's memory after so many minutes without a completion; 0 "
        "means never",
        name="idle_unload_minutes", convert=lambda minutes: minutes * 60)

    @property
    def is_remote(self) -> bool:
        return self.engine != LOCAL


@dataclass(frozen=True)
class TriggerSettings:
    """Settings of when suggestions are made."""

    enabled: bool = option(
        True, BOOLEAN,
        "whether to complete at all",
        project=MAY_SWITCH_OFF)
    disabled_languages: frozenset[str] = option(
        [], STRINGS,
        "language ids in which nothing is completed",
        project=MAY_ADD, convert=frozenset)
    disabled_paths: tuple[str, ...] = option(
        [], STRINGS,
        "files in which nothing is completed, such as `*.env` or `vendor/*`",
        project=MAY_ADD, convert=tuple)
    skip_in: frozenset[str] = option(
        [], list_of(("comments", "strings"), "a list of comments, strings"),
        "where suggestions come only when you ask for them",
        project=MAY_ADD, convert=frozenset)
    next_line: bool = option(
        False, BOOLEAN,
        "whether the next line is suggested at the end of a line that is complete",
        project=MAY_SET, changes_suggestions=True)
    debounce_s: float = option(
        40, integer(0, 2000),
        "how long typing must rest before the model starts, in milliseconds; the wait "
        "is longer for slow requests, and there is none when you ask for a "
        "suggestion",
        name="debounce_ms", project=MAY_RAISE, convert=lambda ms: ms / 1000)
    n_alternatives: int = option(
        3, integer(1, 5),
        "how many suggestions to make when you ask for them",
        name="alternatives", project=MAY_LOWER, changes_suggestions=True)
    speculate: str = option(
        AUTO, one_of(AUTO, "never", "always"),
        "whether to prepare likely next suggestions; auto: unless on battery")


@dataclass(frozen=True)
class WritingSettings:
    """Settings of the text of suggestions."""

    multiline: str = option(
        AUTO, one_of(AUTO, "never", "always"),
        "whether a suggestion may have several lines; auto decides by the place",
        project=MAY_SET, changes_suggestions=True)
    disabled_rules: frozenset[str] = option(
        [], list_of(RULES, "a list of names of rules"),
        "rules that suggestions do not go through; docs/filters.md names them",
        project=replace(MAY_ADD, form=HARMLESS_RULES), changes_suggestions=True,
        convert=frozenset)
    time_budget_ms: int = option(
        3000, integer(50, 60_000),
        "how long a suggestion may take in all, in milliseconds; what is written by "
        "then is shown",
        project=MAY_LOWER, changes_suggestions=True)
    latency_target_ms: int = option(
        500, integer(20, 60_000),
        "how long the model may read before it writes, in milliseconds; the prompt is "
        "cut to fit",
        project=MAY_LOWER, changes_suggestions=True)
    layout: str = option(
        AUTO, one_of(AUTO, "plain", "psm", "spm"),
        "order of the prompt; auto is that of the model or its family",
        project=MAY_SET, changes_suggestions=True)
    sampler: str = option(
        "greedy", one_of("greedy", "infill"),
        "how to choose tokens; infill ends the text where the model is unsure",
        project=MAY_SET, changes_suggestions=True)
    hides_secrets: bool = option(
        True, BOOLEAN,
        "whether the model reads a mark in place of what looks like a credential in "
        "the document, as it does in other files",
        name="hide_secrets", changes_suggestions=True)


@dataclass(frozen=True)
class ContextSettings:
    """Settings of the context from other files."""

    enabled: bool = option(
        True, BOOLEAN,
        "whether other files of the workspace are indexed and shown to the model",
        name="context", project=MAY_SWITCH_OFF, changes_suggestions=True)
    max_files: int = option(
        20_000, integer(1, 1_000_000),
        "how many files of a workspace folder are indexed at most",
        name="index_max_files", project=MAY_LOWER, changes_suggestions=True)
    ignore: tuple[str, ...] = option(
        [], STRINGS,
        "files that are never indexed, as patterns of .gitignore",
        project=MAY_ADD, changes_suggestions=True, convert=tuple)


@dataclass(frozen=True)
class LspSettings:
    """Settings of what the server offers to the editor, and does without asking."""

    completion: str = option(
        AUTO, one_of(AUTO, "always", "never"),
        "whether to offer the completion popup; auto: to editors without ghost text")
    download: str = option(
        "ask", one_of("ask", "always", "never"),
        "what to do when the model is not on this machine")
    statistics: bool = option(
        True, BOOLEAN,
        "whether to count, on this machine only, what becomes of suggestions")


@dataclass(frozen=True)
class LogSettings:
    """Settings of the log."""

    level: str = option(
        "warning", one_of(*LEVELS),
        "how much to log; source text appears only at debug",
        name="log_level")
    file: Path | None = option(
        None, FILE,
        "where to log instead of stderr",
        name="log_file", convert=_path)
# fmt: on


@dataclass(frozen=True)
class Settings:
    """The settings in force, in sections so that each part takes its own."""

    engine: EngineSettings = EngineSettings()
    trigger: TriggerSettings = TriggerSettings()
    writing: WritingSettings = WritingSettings()
    context: ContextSettings = ContextSettings()
    lsp: LspSettings = LspSettings()
    log: LogSettings = LogSettings()

    @cached_property
    def suggestion_key(self) -> Hashable:
        """Everything in the settings that a suggestion depends on."""
        return tuple(
            getattr(getattr(self, one.section), one.field)
            for one in OPTIONS.values()
            if one.changes_suggestions
        )

    @property
    def limits(self) -> Limits:
        return Limits(
            max_tokens=self.engine.max_tokens,
            time_budget_ms=self.writing.time_budget_ms,
            latency_target_ms=self.writing.latency_target_ms,
            stops_when_unsure=self.writing.sampler == "infill",
        )

    @property
    def style(self) -> Style:
        return Style(
            multiline=self.writing.multiline,
            disabled_rules=self.writing.disabled_rules,
            next_line=self.trigger.next_line,
        )


OPTIONS: Mapping[str, Option] = {one.name: one for one in declared(Settings)}


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Build the settings from a value for every option, by the option's name."""
    sections: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for one in OPTIONS.values():
        sections[one.section][one.field] = one.convert(values[one.name])
    return Settings(
        **{
            name: type(getattr(Settings, name))(**values)
            for name, values in sections.items()
        }
    )
