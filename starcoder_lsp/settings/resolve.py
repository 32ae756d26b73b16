"""Merges layers of options into settings; precedence and trust are stated here once.

    defaults < user file < project file < editor < command line

The later layer wins, but a project only restricts: it comes with a cloned repository.
Whatever is wrong is reported with its place and left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.runtime.paths import user_config_file
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings.forms import Value, shortened
from starcoder_lsp.settings.options import OPTIONS, Settings, settings_of
from starcoder_lsp.settings.schema import Option

DEFAULT = "default"
# Not options, but keys that a hostile project would try; they are refused by name.
NEVER_FROM_A_PROJECT = frozenset(
    ("api_key", "command", "endpoint", "headers", "path", "proxy", "token", "url")
)
# A message names so many wrong options of a layer, and counts the others.
MAX_NAMED = 5


@dataclass(frozen=True)
class Layer:
    """Options as one source wrote them; messages call the source `origin`.

    An editor's settings mix those of the user with those of the workspace, which may
    come with a cloned repository.
    """

    origin: str
    values: Mapping[str, Any]
    is_project: bool = False
    is_editor: bool = False

    @property
    def is_users_own(self) -> bool:
        return not self.is_project and not self.is_editor


@dataclass(frozen=True)
class Resolved:
    """The settings, the origin of each value, and what could not be used."""

    settings: Settings
    values: Mapping[str, Any]
    origins: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A value of one option that a layer gave, after all checks."""

    layer: Layer
    value: Value


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Merge layers, the weakest first, over the defaults."""
    written: dict[str, list[Written]] = {name: [] for name in OPTIONS}
    problems: list[str] = []
    for layer in layers:
        accepted, refused = _accept(layer)
        for name, value in accepted.items():
            written[name].append(Written(layer, value))
        if refused:
            problems.append(f"{layer.origin}: " + "; ".join(refused))
    settled = {name: _settle(OPTIONS[name], written[name]) for name in OPTIONS}
    settled |= _guarded(settled, written)
    settled |= _shielded(settled, written, problems)
    values = {name: value for name, (value, _) in settled.items()}
    origins = {
        name: layer.origin if layer else DEFAULT for name, (_, layer) in settled.items()
    }
    return Resolved(settings_of(values), values, origins, tuple(problems))


Settled = tuple[Value, Layer | None]


def _settle(option: Option, written: Iterable[Written]) -> Settled:
    """The value in force, and the layer that it comes from; None for the default."""
    value, origin = option.default, None
    added: Written | None = None
    for one in written:
        found = one.value
        rule = option.project
        if one.layer.is_project and rule:
            found = rule.together(value, found) if origin else found
            added = one if rule.adds else None
        elif added and rule:
            found = rule.together(found, added.value)
        # A project's value that changes nothing leaves the origin to the user.
        if not one.layer.is_project or found != value:
            value, origin = found, one.layer
    return value, origin


def _guarded(
    settled: Mapping[str, Settled], written: Mapping[str, list[Written]]
) -> dict[str, Settled]:
    """Return the values to override because a project chose the model."""
    _, origin = settled["model"]
    if origin is None or not origin.is_project:
        return {}
    # A file of the user's own is of the family that the user's `model` names.
    if settled["model_path"][0] is not None:
        users = [one for one in written["model"] if not one.layer.is_project]
        return {"model": _settle(OPTIONS["model"], users)}
    # A repository must not make the user's machine fetch gigabytes unasked.
    if settled["download"][0] == "always":
        return {"download": ("ask", origin)}
    return {}


def _shielded(
    settled: Mapping[str, Settled],
    written: Mapping[str, list[Written]],
    problems: list[str],
) -> dict[str, Settled]:
    """Return the values to override because a server reads what the model reads.

    Only the user's own file or command line lets it read secrets.
    """
    hides, origin = settled["hide_secrets"]
    is_local = settled["engine"][0] == OPTIONS["engine"].default
    if is_local or hides or origin is None or origin.is_users_own:
        return {}
    users = [one for one in written["hide_secrets"] if one.layer.is_users_own]
    value, users_origin = _settle(OPTIONS["hide_secrets"], users)
    if value != hides:
        problems.append(
            f"{origin.origin}: hide_secrets = false is ignored while a server reads your "
            f"code; set it in {user_config_file()}"
        )
    return {"hide_secrets": (value, users_origin)}


def _accept(layer: Layer) -> tuple[dict[str, Any], list[str]]:
    accepted: dict[str, Any] = {}
    refused: list[str] = []
    n_more = 0
    for name, value in layer.values.items():
        if name not in OPTIONS and len(refused) >= MAX_NAMED:
            n_more += 1
            continue
        try:
            option = _option(name, layer)
            accepted[name] = option.checked(value, is_project=layer.is_project)
        except ConfigError as exc:
            refused.append(str(exc))
    if n_more:
        refused.append(f"{n_more} more are not options")
    return accepted, refused


def _option(name: str, layer: Layer) -> Option:
    option = OPTIONS.get(name)
    is_dangerous = name in NEVER_FROM_A_PROJECT or (option and not option.project)
    if layer.is_project and is_dangerous:
        raise ConfigError(
            f"{name} may not be set by a project; set it in {user_config_file()}"
        )
    if layer.is_editor and option and option.users_own:
        raise ConfigError(
            f"{name} may not be set by an editor, whose settings may come from a "
            f"workspace; set it in {user_config_file()}"
        )
    if option is None:
        key = printable(shortened(name))
        near = difflib.get_close_matches(key, OPTIONS, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{key} is not an option{hint}")
    return option


def editor_layer(options: object) -> Layer:
    """The options that an editor sends, bare or under the key `starcoder`."""
    values = options.get("starcoder", options) if isinstance(options, dict) else {}
    values = values if isinstance(values, dict) else {}
    return Layer("editor settings", values, is_editor=True)
