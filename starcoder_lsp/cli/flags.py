"""Every option as a flag, and the settings a command works with."""

from __future__ import annotations

import argparse
from pathlib import Path

from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import ConfigFiles, Layer, Resolved

ORIGIN = "command line"


def add_option_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("options, stronger than every file")
    for option in OPTIONS.values():
        flag = "--" + option.name.replace("_", "-")
        text = f"{option.help} ({option.form.name})".replace("%", "%%")
        group.add_argument(flag, dest=option.name, metavar="VALUE", help=text)


def flag_layer(parsed: argparse.Namespace) -> Layer:
    """The flags that were given; raises ConfigError for a wrong value."""
    given = {name: getattr(parsed, name, None) for name in OPTIONS}
    values = {
        name: OPTIONS[name].parsed(text)
        for name, text in given.items()
        if text is not None
    }
    return Layer(ORIGIN, values)


def resolve_for(folder: Path, parsed: argparse.Namespace) -> Resolved:
    """Settings for files in `folder`, as they are once for a command."""
    return ConfigFiles().resolve(folder, workspace_of(folder), flag_layer(parsed))


def workspace_of(folder: Path) -> Path:
    """Where an editor would open the workspace: the repository, else `folder`."""
    for candidate in (folder, *folder.parents):
        if is_repository(candidate):
            return candidate
    return folder


def is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()
