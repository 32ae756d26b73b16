"""`starcoder-lsp setup` adds lines to the files of editors, and loses nothing in them."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from starcoder_lsp import cli
from starcoder_lsp.cli.setup import check, templates
from starcoder_lsp.cli.setup.forms import merged
from starcoder_lsp.errors import ConfigError

SERVER = "/opt/starcoder lsp/starcoder-lsp"
EDITORS = ("emacs", "helix", "kakoune", "neovim", "sublime", "vim", "vscode", "zed")


def filled(editor: str) -> templates.Template:
    return templates.read(editor).filled(SERVER)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        cli.main(["setup", *arguments])
    assert isinstance(exited.value.code, int)
    return exited.value.code


@pytest.fixture
def server(tmp_path: Path) -> str:
    """Return a program that is no server."""
    program = tmp_path / "starcoder-lsp"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    return str(program)


def test_there_is_a_template_for_each_editor() -> None:
    assert templates.names() == EDITORS


@pytest.mark.parametrize("editor", EDITORS)
def test_the_lines_name_the_server_and_are_added_once(editor: str) -> None:
    template = filled(editor)
    assert json.dumps(SERVER) in template.text
    assert "@" not in template.text
    once = merged(template, "")
    assert template.text.split()[-1] in once
    assert merged(template, once) == once


@pytest.mark.parametrize(
    ("editor", "before"),
    [
        ("emacs", "(setq a 1)\n;; no line end at the end: (b)"),
        ("kakoune", "colorscheme x\n"),
        ("helix", '# mine\n[[language]]\nname = "rust"\nauto-format = true\n'),
    ],
)
def test_what_the_user_wrote_stays(editor: str, before: str) -> None:
    after = merged(filled(editor), before)
    assert after.startswith(before.rstrip("\n"))
    assert json.dumps(SERVER) in after


def test_a_newer_block_replaces_the_older_one_in_its_place() -> None:
    old = merged(templates.read("emacs").filled("/old"), "(a)\n") + "(b)\n"
    new = merged(filled("emacs"), old)
    assert '"/old"' not in new
    assert (new.index("(a)"), new.index("(b)")) == (0, new.rindex("(b)"))
    assert new.count("setup: begin") == 1


def test_starcoder_comes_first_among_the_servers_of_a_language() -> None:
    before = (
        'theme = "x"\n[[language]]\nname = "rust"\nlanguage-servers = ["ra"]\n'
        '[[language]]\nname = "python"\nlanguage-servers = [\n  "ruff",\n  "ty"\n]\n'
    )
    after = tomllib.loads(merged(filled("helix"), before))
    rust, python = after["language"]
    assert rust["language-servers"] == ["ra"]
    assert python["language-servers"] == ["starcoder", "ruff", "ty"]
    assert after["language-server"]["starcoder"]["command"] == SERVER


@pytest.mark.parametrize(
    ("editor", "before", "why"),
    [
        ("helix", '[[language]]\nname = "python"\n', "names no servers"),
        ("helix", "language = [{ name = 'python' }]\n", "another way"),
        ("helix", "[[language\n", "not TOML"),
        ("helix", '[language-server.starcoder]\ncommand = "/a"\n', "another command"),
        ("zed", '{\n  // mine\n  "a": 1\n}\n', "comments"),
        ("sublime", "[1]", "no object"),
    ],
)
def test_a_file_that_cannot_be_merged_is_left_as_it_is(
    editor: str, before: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        merged(filled(editor), before)


@pytest.mark.parametrize(
    ("there", "read"),
    [
        ([], ".emacs.d/init.el"),
        ([".config/emacs/init.el"], ".config/emacs/init.el"),
        ([".emacs", ".emacs.d/init.el"], ".emacs"),
    ],
)
def test_the_lines_go_into_the_file_that_emacs_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], read: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert filled("emacs").path() == tmp_path / read


def test_the_folder_of_settings_may_be_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert filled("helix").path() == tmp_path / "helix" / "languages.toml"


def test_settings_in_json_keep_their_order_and_indentation() -> None:
    before = (
        '{\n    "lsp": {"ty": {}},\n    "languages": {"Python": {"tab_size": 2}}\n}\n'
    )
    after = merged(filled("zed"), before)
    settings = json.loads(after)
    assert list(settings) == ["lsp", "languages"]
    assert settings["lsp"].keys() == {"ty", "pylsp"}
    assert settings["languages"]["Python"]["tab_size"] == 2
    assert after.startswith('{\n    "lsp"')


def test_writing_keeps_a_copy_and_follows_a_link(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    real, link = tmp_path / "dotfiles" / "init.el", tmp_path / "init.el"
    real.parent.mkdir()
    real.write_text("(mine)\n")
    real.chmod(0o600)
    link.symlink_to(real)
    flags = ("--write", "--yes", "--no-check", "--server", server, "--file", str(link))
    assert run("emacs", *flags) == 0
    assert link.is_symlink()
    assert real.read_text().startswith("(mine)\n")
    assert server in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600
    (backup,) = real.parent.glob("*.bak")
    assert backup.read_text() == "(mine)\n"
    assert run("emacs", *flags) == 0
    assert "has these lines already" in capsys.readouterr().out


def test_nothing_is_written_without_an_answer(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none" / "starcoder.lua"
    flags = ("--write", "--no-check", "--server", server, "--file", str(file))
    assert run("neovim", *flags) == 1
    assert not file.parent.exists()
    assert "--yes" in capsys.readouterr().out


def test_a_server_that_does_not_answer_is_reported(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("vim", "--server", server) == 1
    assert "It has none: it ended" in capsys.readouterr().out
    assert run("vim", "--server", "/no/such/server") == 2


async def test_the_configuration_is_checked_with_a_real_request(
    smollm2: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"model_path = {json.dumps(str(smollm2))}\n")
    program = Path(sys.executable).with_name("starcoder-lsp")
    for method in ("textDocument/inlineCompletion", "textDocument/completion"):
        assert "urn" in await check.suggestion(str(program), method)


async def test_a_missing_model_is_named() -> None:
    program = Path(sys.executable).with_name("starcoder-lsp")
    with pytest.raises(check.NoAnswer, match="models get"):
        await check.suggestion(str(program), "textDocument/inlineCompletion")
