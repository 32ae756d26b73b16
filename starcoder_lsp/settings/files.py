"""Reads the settings files of the user and of a project.

A project's file comes with a cloned repository, and the front process waits while a
file is parsed. So a file is small, its keys are not nested, and nothing that it holds
stops anything but itself. A file that no longer parses keeps what it said before.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starcoder_lsp.context.files.reading import FileTooLarge, NotRegular, read_regular
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.runtime.paths import project_file, user_config_file
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings.forms import shortened
from starcoder_lsp.settings.resolve import Layer, Resolved, resolve

# Files of this size are parsed within 50 ms, whatever they hold.
MAX_FILE_BYTES = 32_000
MAX_REASON_CHARACTERS = 200
# A key of so many parts, such as `a.b.c`. No option has more than one, and the standard
# library's parser takes a time that grows with the square of their number.
NESTED = re.compile(
    r"""(?:\.[ \t]*+(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+){32}"""
)
# A file changed this shortly before it was read may change again without a new stamp.
SETTLED_S = 2.5

Values = Mapping[str, Any]


def read_file(file: Path) -> Values:
    """Return the options in a TOML file.

    Raises ConfigError with the file, and the line where there is one, when it cannot be
    read or is too large.
    """
    import tomllib  # few users have such a file, and all wait for the start

    name = printable(str(file))
    try:
        content, _ = read_regular(os.path.realpath(file), MAX_FILE_BYTES)
        text = content.decode("utf-8-sig")
        if NESTED.search(text):
            raise ConfigError(f"{name}: its keys are nested too deeply")
        return tomllib.loads(text)
    except NotRegular as exc:
        raise ConfigError(f"{name} is not a file") from exc
    except FileTooLarge as exc:
        raise ConfigError(f"{name} is larger than {MAX_FILE_BYTES} bytes") from exc
    except OSError as exc:
        raise ConfigError(f"{name} cannot be read: {exc.strerror or exc}") from exc
    # ValueError: no TOML, no UTF-8, or a number with thousands of digits.
    except (ValueError, RecursionError) as exc:
        reason = printable(shortened(str(exc), MAX_REASON_CHARACTERS))
        raise ConfigError(f"{name}: {reason}") from exc


@dataclass(frozen=True)
class Reading:
    """The content of a file when it had `stamp`, and the problems in it."""

    stamp: tuple[int, ...] | None
    values: Values
    problem: str = ""


@dataclass
class ConfigFiles:
    """The settings files, parsed again only when they have changed."""

    _known: dict[Path, Reading] = field(default_factory=dict)

    def resolve(
        self, start: Path | None, roots: Iterable[Path], *above: Layer
    ) -> Resolved:
        """Resolve the settings for a file or folder.

        `roots` are the folders of the workspace: a project's file outside of them is not
        looked for. `above` are layers that are stronger than files.
        """
        readings: list[Reading] = []
        layers: list[Layer] = []
        user = user_config_file()
        if os.path.lexists(user):
            readings.append(self._reading(user))
            layers.append(Layer(printable(str(user)), readings[-1].values))
        if start and (project := project_file(start, roots)):
            readings.append(self._reading(project))
            origin = printable(str(project))
            layers.append(Layer(origin, readings[-1].values, is_project=True))
        resolved = resolve([*layers, *above])
        problems = [one.problem for one in readings if one.problem]
        return Resolved(
            resolved.settings,
            resolved.values,
            resolved.origins,
            (*problems, *resolved.problems),
        )

    def _reading(self, file: Path) -> Reading:
        stamp = _stamp(file)
        known = self._known.get(file)
        if known is None or stamp is None or known.stamp != stamp:
            before = known.values if known else {}
            known = self._known[file] = _read_again(file, stamp, before)
        return known


def _read_again(file: Path, stamp: tuple[int, ...] | None, before: Values) -> Reading:
    try:
        return Reading(stamp, read_file(file))
    except ConfigError as exc:
        return Reading(stamp, before, str(exc))


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Return a stamp that differs after each change; None while that is not certain."""
    try:
        found = file.stat()
    except OSError:
        return None
    if abs(time.time() - found.st_ctime) < SETTLED_S:
        return None
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )
