"""Turns options as written into settings; states precedence and trust once.

    defaults < user file < project file < editor < command line

Whatever is wrong is reported with its place and left out; nothing is guessed, and a
file that no longer parses keeps what it said before.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Limits, Style
from starcoder_lsp.runtime.paths import project_file, user_config_file
from starcoder_lsp.settings.options import AUTO, OPTIONS, Option, Trust

MAX_FILE_BYTES = 1_000_000
DEFAULT = "default"
# Not options, but what a hostile project would try; refused by name.
NEVER_FROM_A_PROJECT = frozenset(
    ("api_key", "command", "endpoint", "headers", "path", "proxy", "token", "url")
)


@dataclass(frozen=True)
class EngineSettings:
    """`gpu_layers` of None means as many as fit."""

    model: str
    model_path: Path | None
    gpu_layers: int | None
    kv_type: str
    kv_cache_mb: int
    threads: int
    max_prompt_tokens: int
    max_tokens: int
    idle_unload_s: float
    is_shared: bool


@dataclass(frozen=True)
class TriggerSettings:
    enabled: bool
    disabled_languages: frozenset[str]
    disabled_paths: tuple[str, ...]
    skip_in: frozenset[str]
    debounce_s: float
    n_alternatives: int
    speculate: str


@dataclass(frozen=True)
class ContextSettings:
    enabled: bool
    max_files: int
    ignore: tuple[str, ...]


@dataclass(frozen=True)
class LspSettings:
    completion: str
    download: str


@dataclass(frozen=True)
class LogSettings:
    level: str
    file: Path | None


@dataclass(frozen=True)
class Settings:
    """What is in force, in sections so that each part asks for its own."""

    engine: EngineSettings
    trigger: TriggerSettings
    limits: Limits
    layout: str
    hides_secrets: bool
    style: Style
    statistics: bool
    context: ContextSettings
    lsp: LspSettings
    log: LogSettings


@dataclass(frozen=True)
class Layer:
    """Options as one source wrote them; `origin` is what a message calls it."""

    origin: str
    values: Mapping[str, Any]
    is_project: bool = False


@dataclass(frozen=True)
class Resolved:
    """Settings, where each value came from, and what could not be used."""

    settings: Settings
    values: Mapping[str, Any]
    origins: Mapping[str, str]
    problems: tuple[str, ...] = ()


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Merge layers, lowest first, over the defaults."""
    values = {name: option.default for name, option in OPTIONS.items()}
    origins = dict.fromkeys(values, DEFAULT)
    problems: list[str] = []
    for layer in layers:
        accepted, refused = _accept(layer)
        if layer.is_project:
            accepted = _tightened(accepted, values, origins)
        values.update(accepted)
        origins.update(dict.fromkeys(accepted, layer.origin))
        if refused:
            problems.append(f"{layer.origin}: " + "; ".join(refused))
    return Resolved(_settings(values), values, origins, tuple(problems))


def _tightened(
    accepted: dict[str, Any], values: dict[str, Any], origins: dict[str, str]
) -> dict[str, Any]:
    """What of a project's values still says something beside the user's own."""
    kept: dict[str, Any] = {}
    for name, value in accepted.items():
        if origins[name] != DEFAULT:
            value = OPTIONS[name].together(values[name], value)
        # A file of the user's own is of the family that the user's `model` names.
        if name == "model" and values["model_path"] is not None:
            continue
        if value != values[name]:
            kept[name] = value
    if "model" in kept and values["download"] == "always":
        # A repository must not make the user's machine fetch gigabytes unasked.
        kept["download"] = "ask"
    return kept


def _accept(layer: Layer) -> tuple[dict[str, Any], list[str]]:
    accepted: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in layer.values.items():
        try:
            option = _option(name, layer)
            accepted[name] = option.checked(value, is_project=layer.is_project)
        except ConfigError as exc:
            refused.append(str(exc))
    return accepted, refused


def _option(name: str, layer: Layer) -> Option:
    option = OPTIONS.get(name)
    dangerous = name in NEVER_FROM_A_PROJECT or (option and option.trust is Trust.USER)
    if layer.is_project and dangerous:
        raise ConfigError(
            f"{name} may not be set by a project; set it in {user_config_file()}"
        )
    if option is None:
        near = difflib.get_close_matches(name, OPTIONS, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{name} is not an option{hint}")
    return option


def _settings(values: Mapping[str, Any]) -> Settings:
    return Settings(
        EngineSettings(
            values["model"],
            _path(values["model_path"]),
            None if values["gpu_layers"] == AUTO else values["gpu_layers"],
            values["kv_type"],
            values["kv_cache_mb"],
            values["threads"],
            values["max_prompt_tokens"],
            values["max_tokens"],
            values["idle_unload_minutes"] * 60,
            values["shared_engine"],
        ),
        TriggerSettings(
            values["enabled"],
            frozenset(values["disabled_languages"]),
            tuple(values["disabled_paths"]),
            frozenset(values["skip_in"]),
            values["debounce_ms"] / 1000,
            values["alternatives"],
            values["speculate"],
        ),
        Limits(
            values["max_tokens"],
            values["time_budget_ms"],
            values["latency_target_ms"],
            stops_when_unsure=values["sampler"] == "infill",
        ),
        values["layout"],
        values["hide_secrets"],
        Style(values["multiline"], frozenset(values["disabled_rules"])),
        values["statistics"],
        ContextSettings(
            values["context"], values["index_max_files"], tuple(values["ignore"])
        ),
        LspSettings(values["completion"], values["download"]),
        LogSettings(values["log_level"], _path(values["log_file"])),
    )


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def editor_layer(options: object) -> Layer:
    """What an editor sends, bare or under the key `starcoder`."""
    values = options.get("starcoder", options) if isinstance(options, dict) else {}
    return Layer("editor settings", values if isinstance(values, dict) else {})


@dataclass
class ConfigFiles:
    """Reads the user's and the project's file, and remembers what they last said."""

    _good: dict[Path, Mapping[str, Any]] = field(default_factory=dict)

    def resolve(
        self, folder: Path | None, root: Path | None, *above: Layer
    ) -> Resolved:
        """Settings for files in `folder` of the workspace `root`."""
        problems: list[str] = []
        layers: list[Layer] = []
        user = user_config_file()
        if os.path.lexists(user):
            layers.append(Layer(str(user), self._read(user, problems)))
        if folder and root and (project := project_file(folder, root)):
            values = self._read(project, problems)
            layers.append(Layer(str(project), values, is_project=True))
        resolved = resolve([*layers, *above])
        return Resolved(
            resolved.settings,
            resolved.values,
            resolved.origins,
            (*problems, *resolved.problems),
        )

    def _read(self, file: Path, problems: list[str]) -> Mapping[str, Any]:
        try:
            self._good[file] = read_file(file)
        except ConfigError as exc:
            problems.append(str(exc))
        return self._good.get(file, {})


def read_file(file: Path) -> Mapping[str, Any]:
    """A TOML file's options; ConfigError with file and line when it cannot be read."""
    import tomllib  # few have such a file, and everybody waits for the start

    try:
        if not file.is_file():
            raise ConfigError(f"{file} is not a file")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{file} is larger than {MAX_FILE_BYTES} bytes")
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ConfigError(f"{file}: {exc}") from exc
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
