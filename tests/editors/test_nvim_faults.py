"""The Neovim plugin with unusual buffers, failing servers and other plugins."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from editors.driver import Neovim, ScriptedServer, eventually
from editors.test_nvim import (
    KEEP_MESSAGES,
    MakeServer,
    OpenEditor,
    StartNeovim,
    inserting,
    messages,
)

SETUP = "require('starcoder').setup(...)"
N_CLIENTS = "return #vim.lsp.get_clients({ name = 'starcoder' })"


def n_clients(editor: Neovim) -> int:
    return int(editor.lua(N_CLIENTS))


def settled(editor: Neovim) -> None:
    """Wait until scheduled work is done."""
    editor.lua("vim.wait(100, function() return false end)")


def opened(server: ScriptedServer) -> list[str]:
    sent = server.received("textDocument/didOpen")
    return [message["params"]["textDocument"]["uri"] for message in sent]


SERVER_TEXT = """
local client = vim.lsp.get_clients({ name = "starcoder" })[1]
local params = { command = "scripted.text", arguments = { ... } }
local answer = nil
client.request("workspace/executeCommand", params, function(_, result)
  answer = { result ~= vim.NIL and result or nil }
end)
vim.wait(10000, function() return answer ~= nil end, 10)
return answer[1]
"""


SERVER_CRASH = """
local client = vim.lsp.get_clients({ name = "starcoder" })[1]
client.request("workspace/executeCommand", { command = "scripted.crash" }, function() end)
"""


def closed(server: ScriptedServer) -> list[str]:
    sent = server.received("textDocument/didClose")
    return [message["params"]["textDocument"]["uri"] for message in sent]


# Which buffers, which servers


def test_files_without_a_root_share_one_server(
    start_neovim: StartNeovim, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server = scripted_server()
    editor = start_neovim()
    editor.lua(SETUP, {"cmd": server.cmd, "root_markers": ["no such marker"]})
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        editor.command(f"edit {tmp_path}/{folder}/a.txt")
        eventually(editor.is_attached)
    editor.command("edit!")
    eventually(editor.is_attached)
    settled(editor)
    assert n_clients(editor) == 1
    assert len(server.received("initialize")) == 1


def test_a_terminal_is_never_sent(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    editor.command("terminal echo SECRET")
    settled(editor)
    assert not editor.is_attached()
    editor.command("bprevious")
    editor.execute("scripted.release")
    assert all(uri.startswith("file:") for uri in opened(server))
    assert "SECRET" not in server.record_path.read_text()


def test_a_buffer_that_becomes_no_file_is_closed_on_the_server(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    eventually(lambda: len(opened(server)), 1)
    editor.command("setlocal buftype=nofile")
    eventually(lambda: len(server.received("textDocument/didClose")), 1)
    assert not editor.is_attached()
    editor.type("iSECRET")
    eventually(editor.lines, ["SECRET"])
    settled(editor)
    assert "SECRET" not in server.record_path.read_text()


def test_each_buffer_without_a_name_is_a_document_of_its_own(
    open_editor: OpenEditor, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server = scripted_server(inserting("1", after="x = "), inserting("2", after="y = "))
    editor = open_editor(server.cmd)
    editor.command("enew")
    editor.type("ix = ")
    eventually(editor.ghost, "1")
    editor.type("<Tab><Esc>")
    eventually(editor.lines, ["x = 1"])
    first = editor.lua("return vim.api.nvim_get_current_buf()")
    editor.command("set hidden | enew | setlocal filetype=lua")
    editor.type("iy = ")
    eventually(editor.ghost, "2")
    editor.leave_insert_mode()
    editor.command(f"buffer {first}")
    # A change in normal mode, too, is there at the next request.
    editor.type("yyPox = ")
    eventually(editor.ghost, "1")
    (left, right) = opened(server)[1:]
    assert editor.lua(SERVER_TEXT, left) == "x = 1\nx = \nx = 1\n"
    assert editor.lua(SERVER_TEXT, right) == "y = \n"
    languages = [
        message["params"]["textDocument"]["languageId"]
        for message in server.received("textDocument/didOpen")
    ]
    assert languages == ["text", "", "lua"]
    editor.leave_insert_mode()
    editor.command(f"write {tmp_path}/project/named")
    eventually(lambda: opened(server)[3:], [f"file://{tmp_path}/project/named"])
    assert closed(server) == [left]


def test_a_buffer_without_a_name_is_not_sent_before_insert_mode(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(experimental={"starcoder": {"cursor": True}})
    editor = open_editor(server.cmd)
    editor.command("enew")
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'SECRET' })")
    editor.type("l")
    editor.lua("vim.wait(400, function() return false end)")
    editor.command("bprevious")
    editor.execute("scripted.release")
    assert "SECRET" not in server.record_path.read_text()


def test_a_buffer_that_gets_another_name_is_another_document(
    open_editor: OpenEditor, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server = scripted_server(inserting("!", after="x"))
    editor = open_editor(server.cmd)
    editor.command(f"file {tmp_path}/project/other")
    eventually(lambda: len(opened(server)), 2)
    assert closed(server) == opened(server)[:1]
    editor.type("ix")
    eventually(editor.ghost, "!")


def test_an_empty_neovim_starts_a_server_in_insert_mode(
    start_neovim: StartNeovim, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server = scripted_server(inserting("!", after="x"))
    editor = start_neovim()
    editor.lua(SETUP, {"cmd": server.cmd})
    settled(editor)
    assert n_clients(editor) == 0
    assert "in insert mode" in editor.lua(
        "return require('starcoder').explain_status()"
    )
    editor.type("ix")
    eventually(editor.ghost, "!")
    editor.command("bwipeout!")
    eventually(lambda: closed(server), opened(server))


def test_restart_starts_a_server_for_a_buffer_without_a_name(
    start_neovim: StartNeovim, scripted_server: MakeServer
) -> None:
    editor = start_neovim()
    editor.lua(SETUP, {"cmd": scripted_server(inserting("!", after="x")).cmd})
    editor.command("Starcoder restart")
    eventually(lambda: n_clients(editor), 1)
    editor.type("ix")
    eventually(editor.ghost, "!")
    editor.lua(SERVER_CRASH)
    eventually(lambda: n_clients(editor), 0)
    eventually(editor.status, "starcoder: ⚠ server not running")
    editor.command("Starcoder restart")
    eventually(lambda: n_clients(editor), 1)
    editor.type("<BS>x")
    eventually(editor.ghost, "!")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("help", "the buffer is no file"),
        ("edit ++bin other", "the file is binary"),
        ("let b:starcoder_enabled = v:false | edit!", "b:starcoder_enabled is false"),
        ("Starcoder disable | enew", "disabled"),
    ],
)
def test_the_status_says_why_a_buffer_is_left_alone(
    open_editor: OpenEditor, scripted_server: MakeServer, command: str, reason: str
) -> None:
    editor = open_editor(scripted_server().cmd)
    editor.lua(KEEP_MESSAGES)
    editor.command(command)
    editor.command("Starcoder status")
    assert reason in messages(editor)[-1]


def test_a_file_of_50_mb_is_not_sent(
    open_editor: OpenEditor, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    editor.lua(KEEP_MESSAGES)
    large = tmp_path / "project" / "large.txt"
    large.write_text(("x" * 999 + "\n") * 50_000)
    editor.command(f"edit {large}")
    settled(editor)
    assert not editor.is_attached()
    editor.command("Starcoder status")
    assert "the file is too large" in messages(editor)[-1]
    assert server.record_path.stat().st_size < 1_000_000


# Servers


def test_a_missing_server_costs_one_line_at_the_start(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    editor = start_neovim()
    (tmp_path / "a.py").write_text("x = 1\n")
    editor.lua(SETUP, {"cmd": [str(tmp_path / "deep" / "folder" / "no-such-server")]})
    editor.command(f"edit {tmp_path}/a.py")
    settled(editor)
    shown = str(editor.lua("return vim.fn.execute('messages')"))
    lines = [line for line in shown.splitlines() if "no-such-server" in line]
    expected = "starcoder: no-such-server not found; see :checkhealth starcoder"
    assert lines == [expected]
    assert "stack traceback" not in shown
    assert editor.mode() == "n", "nobody has to press Enter"
    assert editor.status() == "starcoder: ⚠ server not running"


def test_text_typed_before_the_server_is_ready_gets_a_suggestion(
    start_neovim: StartNeovim, scripted_server: MakeServer, tmp_path: Path
) -> None:
    server, may_start = (
        scripted_server(inserting("urn 1", after="ret")),
        tmp_path / "go",
    )
    wait = (
        f"until [ -e {may_start} ]; do sleep 0.02; done; exec {shlex.join(server.cmd)}"
    )
    editor = start_neovim()
    editor.command(f"edit {tmp_path}/a.txt")
    editor.lua(SETUP, {"cmd": ["sh", "-c", wait]})
    editor.type("iret")
    eventually(editor.lines, ["ret"])
    settled(editor)
    may_start.touch()
    eventually(editor.ghost, "urn 1")


@pytest.mark.parametrize("program", ["false", "true"])
def test_a_server_that_ends_at_once_is_started_once(
    start_neovim: StartNeovim, tmp_path: Path, program: str
) -> None:
    editor = start_neovim()
    editor.lua(KEEP_MESSAGES)
    log = tmp_path / "started"
    editor.lua(SETUP, {"cmd": ["sh", "-c", f"echo x >>{log}; exec {program}"]})
    for name in ("a", "b"):
        editor.command(f"edit {tmp_path}/{name}.py")
        eventually(editor.status, "starcoder: ⚠ server not running")
    settled(editor)
    assert log.read_text() == "x\n"
    editor.command("Starcoder status")
    assert ":Starcoder restart" in messages(editor)[-1]


def test_a_server_that_dies_five_times_can_be_restarted_each_time(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd, before=KEEP_MESSAGES)
    for _ in range(5):
        editor.lua(
            "vim.lsp.buf_request(0, 'workspace/executeCommand', "
            "{ command = 'scripted.crash' }, function() end)"
        )
        eventually(editor.status, "starcoder: ⚠ server not running")
        editor.command("Starcoder restart")
        eventually(editor.is_attached)
    editor.type("i")
    eventually(editor.ghost, "!")
    assert n_clients(editor) == 1


def test_checkhealth_says_how_to_go_on_after_a_crash(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server().cmd, before=KEEP_MESSAGES)
    editor.lua(
        "vim.lsp.buf_request(0, 'workspace/executeCommand', "
        "{ command = 'scripted.crash' }, function() end)"
    )
    eventually(editor.status, "starcoder: ⚠ server not running")
    editor.command("checkhealth starcoder")
    assert ":Starcoder restart" in "\n".join(editor.lines())


def test_a_buffer_that_is_closed_during_a_request_takes_no_answer(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", is_held=True, is_deaf=True))
    editor = open_editor(server.cmd)
    editor.type("ix")
    eventually(server.n_requests, 1)
    editor.leave_insert_mode()
    editor.command("edit! other | bwipeout! #")
    eventually(editor.is_attached)
    editor.execute("scripted.release")
    assert (editor.lines(), editor.ghost()) == ([""], "")


# Text


@pytest.mark.parametrize("line", ["😀\tx", "\t\té", "日本語"])
@pytest.mark.parametrize("file_format", ["unix", "dos"])
def test_ghost_text_follows_any_line_and_any_line_end(
    open_editor: OpenEditor, scripted_server: MakeServer, line: str, file_format: str
) -> None:
    editor = open_editor(scripted_server(inserting("(\r\n    1)", after=line)).cmd)
    editor.command(f"setlocal fileformat={file_format} noexpandtab")
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { ... })", line)
    editor.type("A")
    eventually(editor.ghost, "(\n    1)")
    editor.type("<Tab>")
    eventually(editor.lines, [line + "(", "    1)"])


def test_two_windows_on_one_buffer_show_the_same_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!", after="x")).cmd)
    editor.command("split")
    editor.type("ix")
    eventually(editor.ghost, "!")
    editor.type("<Tab>")
    eventually(editor.lines, ["x!"])


def test_a_file_that_is_read_only_gets_suggestions_once_it_is_edited(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!", after="x")).cmd)
    editor.command("setlocal readonly")
    editor.type("ix")
    eventually(editor.ghost, "!")


# What repeats typed text


def test_a_macro_gets_no_ghost_text_while_it_is_recorded_or_played(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!", after="x")).cmd, "\n")
    editor.type("qaox")
    eventually(editor.lines, ["", "x"])
    settled(editor)
    assert editor.ghost() == ""
    editor.type("<Esc>q")
    editor.type("3@a")
    eventually(lambda: len(editor.lines()), 5)
    settled(editor)
    assert editor.lines() == ["", "x", "x", "x", "x"]
    assert editor.ghost() == ""


def test_the_dot_command_repeats_no_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!", after="x")).cmd)
    editor.type("ox")
    eventually(editor.ghost, "!")
    editor.leave_insert_mode()
    editor.type("..")
    eventually(lambda: len(editor.lines()), 4)
    assert editor.lines()[1:] == ["x", "x", "x"]


@pytest.mark.parametrize("keys", ["I", "c", "A"])
def test_a_block_insert_shows_no_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer, keys: str
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd, "ab\nab\nab\n")
    settled(editor)
    editor.type(f"gg0<C-v>jj{keys}x")
    eventually(editor.mode, "i")
    settled(editor)
    assert editor.ghost() == ""
    editor.type("<Esc>")
    eventually(editor.mode, "n")
    eventually(lambda: all("x" in line for line in editor.lines()))
    assert not any("!" in line for line in editor.lines())
    editor.type("Go")
    eventually(editor.ghost, "!")


# Floating windows


def test_after_explain_the_next_command_belongs_to_the_file(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    for command in ("explain", "stats", "explain"):
        editor.command(f"Starcoder {command}")
        settled(editor)
    editor.command("normal! itext")
    assert editor.lines() == ["text"]
    assert len(server.commands()) == 3


# Popup plugins

POPUP = """
_G.pressed, _G.is_open = 0, true
package.loaded["cmp"] = {
  visible = function() return _G.is_open end,
  get_config = function() return { mapping = { ["<tab>"] = { i = true } } } end,
}
vim.keymap.set("i", "<Tab>", function() _G.pressed = _G.pressed + 1 end, { buffer = 0 })
"""


@pytest.mark.parametrize(("owner", "n_pressed"), [("popup", 1), ("ghost", 0)])
def test_who_gets_tab_while_a_popup_is_open_is_a_setting(
    open_editor: OpenEditor, scripted_server: MakeServer, owner: str, n_pressed: int
) -> None:
    server = scripted_server(inserting("!", after="x"))
    setup = {"popup_keys": owner}
    editor = open_editor(server.cmd, before=POPUP, setup=setup)
    editor.type("ix")
    eventually(editor.ghost, "!")
    editor.type("<Tab>")
    eventually(lambda: editor.lua("return _G.pressed"), n_pressed)
    eventually(editor.lines, ["x" if n_pressed else "x!"])
    editor.lua("_G.is_open = false")
    settled(editor)
    if n_pressed:
        editor.type("<Tab>")
        eventually(editor.lines, ["x!"])


BLINK = """
package.loaded["blink.cmp"] = { is_menu_visible = function() return true end }
package.loaded["blink.cmp.config"] = { keymap = {} }
package.loaded["blink.cmp.keymap"] = {
  get_mappings = function() return { ["<tab>"] = ... } end,
}
"""


@pytest.mark.parametrize(
    ("commands", "line"),
    [
        ('{ "snippet_forward", "fallback" }', "x!"),
        ('{ "select_and_accept", "snippet_forward", "fallback" }', "x\t"),
    ],
)
def test_tab_belongs_to_blink_only_if_it_does_something_in_its_menu(
    open_editor: OpenEditor, scripted_server: MakeServer, commands: str, line: str
) -> None:
    before = BLINK.replace("...", commands) + "vim.bo.expandtab = false"
    editor = open_editor(scripted_server(inserting("!", after="x")).cmd, before=before)
    editor.type("ix")
    eventually(editor.ghost, "!")
    editor.type("<Tab>")
    eventually(editor.lines, [line])


# Plugin managers


def test_vim_pack_installs_the_plugin_from_the_address_of_the_repository(
    start_neovim: StartNeovim,
    scripted_server: MakeServer,
    clone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    editor = start_neovim()
    if not editor.lua("return vim.pack ~= nil"):
        pytest.skip("this Neovim has no vim.pack")
    editor.command(
        "set runtimepath-=" + str(Path(__file__).parents[2] / "editors/nvim")
    )
    editor.lua(
        """
        local address, cmd = ...
        vim.pack.add({ { src = address, name = "starcoder-lsp" } }, { confirm = false })
        local folder = vim.pack.get({ "starcoder-lsp" })[1].path
        vim.opt.runtimepath:append(folder .. "/editors/nvim")
        require("starcoder").setup({ cmd = cmd })
        """,
        f"file://{clone}",
        scripted_server().cmd,
    )
    editor.command(f"edit {tmp_path}/a.py")
    eventually(editor.is_attached)
    place = editor.lua(
        "return vim.api.nvim_get_runtime_file('lua/starcoder/init.lua', false)[1]"
    )
    assert str(tmp_path / "share") in place
    editor.command("help starcoder-keys")
    assert editor.lua("return vim.fn.expand('%:t')") == "starcoder.txt"


def test_a_file_of_the_user_with_the_name_of_the_plugin_works(
    start_neovim: StartNeovim, scripted_server: MakeServer, tmp_path: Path
) -> None:
    (tmp_path / "plugin").mkdir()
    cmd = json.dumps(scripted_server().cmd)
    lines = f"require('starcoder').setup({{ cmd = vim.json.decode([=[{cmd}]=]) }})"
    (tmp_path / "plugin" / "starcoder.lua").write_text(lines)
    editor = start_neovim()
    editor.command(f"set runtimepath^={tmp_path}")
    editor.command("runtime! plugin/starcoder.lua")
    editor.command(f"edit {tmp_path}/a.py")
    eventually(editor.is_attached)
