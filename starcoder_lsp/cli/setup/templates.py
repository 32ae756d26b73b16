"""The configuration of each editor: one file in `editors/` for each."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent / "editors"
# The plugins lie in the repository, not in the installed package.
PLUGINS = Path(__file__).parents[3] / "editors"
USUAL_PLUGINS = Path("~/starcoder-lsp/editors")


@dataclass(frozen=True)
class Template:
    """The lines for one editor.

    `form` names how they are added to `file`, see `forms.FORMS`. `candidates` are files
    that the editor may read in place of `file`: it reads the first one that exists.
    `comment` begins a comment in that file. `plugin` is the folder of the editor's plugin in the repository,
    and `entry` what a list of servers gets (Helix). `method` is the request by which the
    editor asks for suggestions.
    """

    name: str
    file: str
    form: str
    method: str
    text: str
    notes: str = ""
    comment: str = ""
    plugin: str = ""
    entry: str = ""
    candidates: Sequence[str] = ()

    def path(self) -> Path:
        """Return the file that the editor of this user reads."""
        paths = map(_expanded, self.candidates)
        return next(filter(Path.exists, paths), _expanded(self.file))

    def filled(self, server: str) -> Template:
        """Return the template with the paths of the server and the plugin."""
        plugins = PLUGINS if (PLUGINS / self.plugin).is_dir() else USUAL_PLUGINS
        plugin = str((plugins / self.plugin).expanduser())
        text = self.text.replace("@COMMAND@", quoted(server))
        text = text.replace("@PLUGIN@", quoted(plugin))
        return replace(self, text=text.strip() + "\n", notes=self.notes.strip())


def _expanded(path: str) -> Path:
    # https://specifications.freedesktop.org/basedir-spec
    config = os.environ.get("XDG_CONFIG_HOME", "")
    if Path(config).is_absolute() and path.startswith("~/.config/"):
        return Path(config) / path.removeprefix("~/.config/")
    return Path(path).expanduser()


def names() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def read(editor: str) -> Template:
    return Template(**tomllib.loads((FOLDER / f"{editor}.toml").read_text("utf-8")))


def quoted(path: str) -> str:
    """Return a path as a string of JSON, TOML, Lua, Lisp and Vim script."""
    return json.dumps(path, ensure_ascii=False)
