"""The VS Code extension agrees with the server: settings, commands, version, files."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

from starcoder_lsp import __version__
from starcoder_lsp.lsp.handlers import COMMANDS
from starcoder_lsp.settings import vscode
from starcoder_lsp.settings.options import OPTIONS

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
TEXT = (EXTENSION / "package.json").read_text("utf-8")
PACKAGE: dict[str, Any] = json.loads(TEXT)
CONTRIBUTES = PACKAGE["contributes"]


def properties() -> dict[str, dict[str, Any]]:
    sections = CONTRIBUTES["configuration"]
    return {
        key: one for section in sections for key, one in section["properties"].items()
    }


def test_the_settings_are_those_of_the_server() -> None:
    assert vscode.written(TEXT) == TEXT, "run `make docs`"


def test_every_setting_of_the_server_has_a_type_that_the_editor_can_check() -> None:
    for name in OPTIONS:
        assert {"type", "anyOf"} & properties()[f"starcoder.{name}"].keys(), name


def test_a_folder_sets_only_what_a_project_may_set_and_nothing_before_it_is_trusted() -> (
    None
):
    trust = PACKAGE["capabilities"]["untrustedWorkspaces"]
    for name, option in OPTIONS.items():
        key = f"starcoder.{name}"
        of_a_folder = properties()[key]["scope"] == "window"
        # A project's form is set where a project may not set every value.
        may = option.project is not None and option.project.form is None
        assert of_a_folder == may, name
        assert of_a_folder == (key in trust["restrictedConfigurations"]), name
    assert properties()["starcoder.server.path"]["scope"] == "machine"


def test_a_command_has_one_meaning() -> None:
    # The client registers the server's commands, and a second handler would be an error.
    registered = re.findall(
        r'^  "(starcoder\.\w+)":', (EXTENSION / "src/commands.ts").read_text(), re.M
    )
    assert not set(registered) & COMMANDS.keys()
    contributed = {one["command"] for one in CONTRIBUTES["commands"]}
    assert contributed <= {*registered, *COMMANDS}
    assert {one["command"] for one in CONTRIBUTES["keybindings"]} <= contributed


def test_the_version_is_that_of_the_server() -> None:
    assert PACKAGE["version"] == __version__.partition(".dev")[0]
    newest = re.search(r"^## (\S+)", (EXTENSION / "CHANGELOG.md").read_text(), re.M)
    assert newest
    assert newest[1] == PACKAGE["version"]


def test_the_licence_is_that_of_the_project() -> None:
    licence = (EXTENSION / "LICENSE").read_bytes()
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_the_icon_is_a_png_of_the_size_that_the_marketplace_wants() -> None:
    header = (EXTENSION / PACKAGE["icon"]).read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", header[16:])
    assert width == height >= 128


def test_the_steps_of_the_walkthrough_have_their_pages_and_commands() -> None:
    (walkthrough,) = CONTRIBUTES["walkthroughs"]
    contributed = {one["command"] for one in CONTRIBUTES["commands"]}
    for step in walkthrough["steps"]:
        assert (EXTENSION / step["media"]["markdown"]).is_file()
        for command in re.findall(r"\(command:(starcoder\.\w+)\)", step["description"]):
            assert command in {*contributed, "starcoder.openServerPath"}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))
    packages = lock["packages"].values()
    assert not [one for one in packages if "resolved" in one]
    assert all(
        "integrity" in one
        for one in packages
        if "version" in one and one != lock["packages"][""]
    )
