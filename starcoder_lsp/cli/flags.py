"""Every option as a flag, and the settings that a command works with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from starcoder_lsp.settings.files import ConfigFiles
from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import Layer, Resolved

ORIGIN = "command line"


def add_option_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings, which override those of files")
    for option in OPTIONS.values():
        flag = "--" + option.name.replace("_", "-")
        text = f"{option.help} ({option.form.name})".replace("%", "%%")
        group.add_argument(flag, dest=option.name, metavar="VALUE", help=text)


def flag_layer(parsed: argparse.Namespace) -> Layer:
    """Return the options given as flags; raises ConfigError for a wrong value."""
    given = {name: getattr(parsed, name, None) for name in OPTIONS}
    values = {
        name: OPTIONS[name].parsed(text)
        for name, text in given.items()
        if text is not None
    }
    return Layer(ORIGIN, values)


def resolve_for(folder: Path, parsed: argparse.Namespace) -> Resolved:
    """Resolve the settings for the files in a folder."""
    return ConfigFiles().resolve(folder, [workspace_of(folder)], flag_layer(parsed))


def workspace_of(folder: Path) -> Path:
    """The folder that an editor would open: the repository, else `folder` itself."""
    folder = Path(os.path.realpath(folder))
    for candidate in (folder, *folder.parents):
        if is_repository(candidate):
            return candidate
    return folder


def is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()
