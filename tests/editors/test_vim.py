"""The Vim plugin, driven key by key in a real Vim."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from editors.driver import ScriptedServer, eventually
from editors.vim_driver import PLUGIN, Vim, vim_binaries

OpenVim = Callable[..., Vim]
MakeServer = Callable[..., ScriptedServer]
Rule = dict[str, Any]

INVOKED = 1
AUTOMATIC = 2


def inserting(*texts: str, after: str = "", **rule: Any) -> Rule:
    """Make a rule whose items have no range."""
    return {"after": after, "items": [{"insertText": text} for text in texts], **rule}


def replacing(text: str, start: int, end: int, after: str = "") -> Rule:
    """Make a rule whose item replaces a range of columns in line 0."""
    positions = [{"line": 0, "character": column} for column in (start, end)]
    item_range = {"start": positions[0], "end": positions[1]}
    return {"after": after, "items": [{"insertText": text, "range": item_range}]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vim_binary" in metafunc.fixturenames:
        binaries = vim_binaries()
        names = [Path(binary).name for binary in binaries]
        metafunc.parametrize("vim_binary", binaries or [None], ids=names or None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project."""
    path = tmp_path / "project"
    (path / ".git").mkdir(parents=True)
    return path


@pytest.fixture
def start_vim(vim_binary: str | None, folder: Path) -> Iterator[OpenVim]:
    """Start an empty Vim with the plugin."""
    if vim_binary is None:
        pytest.skip(
            "no vim: install the Debian package vim, or set STARCODER_LSP_TEST_VIM"
        )
    with contextlib.ExitStack() as editors:

        def start(config: dict[str, Any], before: str = "") -> Vim:
            vim = Vim(vim_binary, folder, config, before)
            return editors.enter_context(contextlib.closing(vim))

        yield start


@pytest.fixture
def open_vim(start_vim: OpenVim, folder: Path) -> OpenVim:
    """Open `text` in a Vim whose plugin runs the server `cmd`."""

    def open_file(
        cmd: list[str],
        text: str = "",
        before: str = "",
        name: str = "example.py",
        **config: Any,
    ) -> Vim:
        path = folder / name
        path.write_bytes(text.encode())
        vim = start_vim({"cmd": cmd, **config}, before)
        vim.command(f"execute 'edit' fnameescape('{path}')")
        eventually(lambda: vim.status() != "")
        return vim

    return open_file


# Showing


def test_ghost_text_appears_after_typing(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("urn 1", after="ret")).cmd)
    vim.type("iret")
    eventually(vim.ghost, "urn 1")
    assert vim.screen()[0] == "return 1"
    assert vim.lines() == ["ret"]
    assert vim.eval("screencol()") == 4


def test_ghost_text_appears_when_insert_mode_starts(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("1", after="= ")).cmd, "x = \n")
    vim.type("A")
    eventually(vim.ghost, "1")


def test_ghost_text_appears_where_the_cursor_moves(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("!", after="there")).cmd, "here\nthere\n")
    vim.type("A")
    eventually(vim.mode, "i")
    vim.type("<Down><End>")
    eventually(vim.ghost, "!")


def test_further_lines_are_drawn_below_with_the_tab_width_of_the_buffer(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("\t{\n\treturn\ta;\n\n}", after="f()"))
    vim = open_vim(server.cmd)
    vim.command("setlocal tabstop=4")
    vim.type("if()")
    eventually(lambda: vim.screen()[:4], ["f() {", "    return  a;", "", "}"])
    vim.type("<Tab>")
    eventually(vim.lines, ["f()\t{", "\treturn\ta;", "", "}"])


@pytest.mark.parametrize("sync", [1, 2])
def test_the_server_has_the_text_of_the_buffer_after_any_change(
    open_vim: OpenVim, scripted_server: MakeServer, sync: int
) -> None:
    server = scripted_server(sync=sync)
    vim = open_vim(server.cmd, "".join(f"line {n}\n" for n in range(9)))
    uri = vim.eval("starcoder#documents#Identifier(bufnr())")["uri"]
    for change in (
        "Gonew",
        "ggOtop<CR>below",
        ":2,4delete<CR>",
        "Gdk",
        "3GddGp",
        ":%s/line/row/<CR>",
        "ggJJ",
        "u",
        ":global/row/move 0<CR>",
        ":normal! GyyPP<CR>",
        "uuu",
        ":%delete<CR>",
        "u",
        ":1,3join | 2,3delete | undo<CR>",
    ):
        vim.type(f"{change}<Esc>")
        eventually(vim.mode, "n")
        vim.command("call starcoder#documents#Flush(bufnr())")
        text = vim.execute("scripted.text", uri)
        assert text == "".join(f"{line}\n" for line in vim.lines()), change


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_columns_after_an_emoji_and_a_tab_are_right(
    open_vim: OpenVim, scripted_server: MakeServer, encoding: str, line_end: str
) -> None:
    before, codec = (
        "s = '😀é'; \t",
        encoding.replace("16", "16-le").replace("32", "32-le"),
    )
    unit_bytes = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    start, end = (
        len(text.encode(codec)) // unit_bytes for text in (before, before + "ret")
    )
    rule = replacing("return '😀'\nx", start, end, after="; \tret")
    vim = open_vim(
        scripted_server(rule, encoding=encoding, sync=2).cmd, f"{before}{line_end}"
    )
    vim.type("Aret")
    eventually(vim.ghost, "urn '😀'\nx")
    vim.type("<C-Right>")
    eventually(vim.lines, [f"{before}return"])
    vim.type("<Tab>")
    eventually(vim.lines, [f"{before}return '😀'", "x"])
    assert vim.cursor() == (2, 1)


def test_leaving_insert_mode_hides_the_ghost_text(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("!")).cmd)
    vim.type("i")
    eventually(vim.ghost, "!")
    vim.leave_insert_mode()
    assert vim.ghost() == ""
    assert vim.screen()[0] == ""


def test_in_two_windows_on_a_buffer_a_suggestion_is_inserted_once(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("b", after="a"), inserting("!")).cmd)
    vim.command("split")
    vim.type("ia")
    eventually(vim.ghost, "b")
    vim.type("<Tab>")
    eventually(vim.lines, ["ab"])
    eventually(vim.ghost, "!")
    vim.command("wincmd j")
    assert vim.ghost() == ""
    assert vim.lines() == ["ab"]
    assert "!" not in "".join(vim.screen()[:20])


# Typing on


def test_typing_the_ghost_text_sends_no_request(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn\n    1", after="ret"))
    vim = open_vim(server.cmd)
    vim.type("i    ret")
    eventually(vim.ghost, "urn\n    1")
    n_requests = server.n_requests()
    vim.type("u")
    eventually(vim.ghost, "rn\n    1")
    vim.type("r<BS>")
    eventually(vim.ghost, "rn\n    1")
    vim.type("rn<CR>")
    eventually(vim.ghost, "1")
    vim.execute("scripted.release")
    assert server.n_requests() == n_requests
    vim.type("1")
    eventually(lambda: server.n_requests() == n_requests + 1)
    eventually(vim.ghost, "")


def test_typing_another_text_hides_the_ghost_text_and_sends_a_request(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn", after="ret"), inserting("ry", after="t"))
    vim = open_vim(server.cmd)
    vim.type("iret")
    eventually(vim.ghost, "urn")
    vim.type("x")
    eventually(vim.ghost, "")
    vim.type(" t")
    eventually(vim.ghost, "ry")


def test_every_superseded_request_is_cancelled(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", is_held=True))
    vim = open_vim(server.cmd)
    for n_typed, key in enumerate("iret"):
        vim.type(key)
        eventually(lambda n=n_typed: server.n_requests() > n)  # type: ignore[misc]
    eventually(lambda: len(server.received("$/cancelRequest")) == 3)
    vim.leave_insert_mode()
    eventually(lambda: len(server.received("$/cancelRequest")) == 4)
    asked = server.received("textDocument/inlineCompletion")
    cancelled = server.received("$/cancelRequest")
    assert [m["id"] for m in asked] == [m["params"]["id"] for m in cancelled]


def test_each_request_tells_the_indentation_of_the_buffer(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="a"))
    options = "set shiftwidth=2 expandtab"
    open_vim(server.cmd, before=options).type("ia")
    eventually(lambda: server.n_requests() > 0)
    asked = server.received("textDocument/inlineCompletion")[-1]["params"]
    assert asked["formattingOptions"] == {"tabSize": 2, "insertSpaces": True}


@pytest.mark.parametrize(("typed", "ghost"), [("e", "turn"), ("x", "")])
def test_a_late_answer_is_shown_if_the_text_typed_since_agrees(
    open_vim: OpenVim, scripted_server: MakeServer, typed: str, ghost: str
) -> None:
    server = scripted_server(inserting("eturn", after="r", is_held=True, is_deaf=True))
    vim = open_vim(server.cmd)
    vim.type("ir")
    eventually(lambda: server.last_column_asked() == 1)
    vim.type(typed)
    eventually(lambda: server.last_column_asked() == 2)
    vim.execute("scripted.release")
    eventually(vim.ghost, ghost)


@pytest.mark.parametrize("refusal", [{"items": None}, {"error": -32801}])
def test_null_and_errors_keep_the_ghost_text(
    open_vim: OpenVim, scripted_server: MakeServer, refusal: Rule
) -> None:
    server = scripted_server({"trigger": INVOKED, **refusal}, inserting("!"))
    vim = open_vim(server.cmd)
    vim.type("i")
    eventually(vim.ghost, "!")
    vim.type("<M-Bslash>")
    eventually(lambda: server.last_trigger() == INVOKED)
    vim.execute("scripted.release")
    assert vim.ghost() == "!"


# Accepting


def test_an_accepted_item_is_one_undo_step(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn 1\nx", after="ret"))
    vim = open_vim(server.cmd, "below\n")
    vim.type("Oret")
    eventually(vim.ghost, "urn 1\nx")
    vim.type("<Tab>")
    eventually(vim.lines, ["return 1", "x", "below"])
    assert vim.cursor() == (2, 1)
    vim.type("y")
    vim.leave_insert_mode()
    for undone in (["return 1", "x", "below"], ["ret", "below"], ["below"]):
        vim.type("u")
        eventually(vim.lines, undone)
        # Undo brings a line back with the ghost text that it had.
        assert vim.screen()[: len(undone) + 1] == [*undone, "~"]


def test_words_are_accepted_one_by_one_across_lines(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("a.b(c)\n  d", after="= ")).cmd)
    vim.type("ix = ")
    eventually(vim.ghost, "a.b(c)\n  d")
    for rest in (
        ".b(c)\n  d",
        "b(c)\n  d",
        "(c)\n  d",
        "c)\n  d",
        ")\n  d",
        "\n  d",
        "",
    ):
        vim.type("<C-Right>")
        eventually(vim.ghost, rest)
    assert vim.lines() == ["x = a.b(c)", "  d"]


def test_lines_are_accepted_one_by_one(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("1\n  2\n3", after="= ")).cmd)
    vim.type("ix = ")
    for rest in ("1\n  2\n3", "\n  2\n3", "\n3", ""):
        eventually(vim.ghost, rest)
        vim.type("<C-l>" if rest else "")
    assert vim.lines() == ["x = 1", "  2", "3"]


def test_an_item_replaces_its_range_after_the_cursor(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(replacing("f(a)", 0, 3, after="f(")).cmd, "f)\n")
    vim.type("a(")
    eventually(lambda: vim.screen()[0], "f(a)")
    vim.type("<Tab>")
    eventually(vim.lines, ["f(a)"])
    assert vim.cursor() == (1, 4)


def test_text_that_accepting_replaces_stays_visible(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(replacing("f[a]", 0, 2, after="f")).cmd, "f)\n")
    vim.type("a")
    eventually(lambda: vim.screen()[0], "f[a])")
    vim.type("<Tab>")
    eventually(vim.lines, ["f[a]"])


def test_accepting_closes_the_completion_popup(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("\nend", after="value"))
    vim = open_vim(
        server.cmd, "value\nvalues\n", before="set completeopt=menuone,noinsert"
    )
    vim.type("Oval<C-n>")
    eventually(lambda: bool(vim.eval("pumvisible()")))
    vim.type("ue")
    eventually(vim.ghost, "\nend")
    vim.type("<Tab>")
    eventually(lambda: vim.lines()[:2], ["value", "end"])
    assert not vim.eval("pumvisible()")


def test_the_server_is_told_what_is_shown_accepted_and_dismissed(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    command = {"title": "accepted", "command": "scripted.accepted", "arguments": ["id"]}
    item = {"insertText": "é😀 b", "command": command}
    server = scripted_server(
        {"after": "= ", "items": [item]}, experimental={"starcoder": {"events": True}}
    )
    vim = open_vim(server.cmd)
    vim.type("ix = ")
    eventually(vim.ghost, "é😀 b")
    vim.type("<C-Right>")
    eventually(vim.ghost, " b")
    vim.type("<Tab>")
    eventually(lambda: server.commands(), ["scripted.accepted"])
    assert server.received("textDocument/didShowCompletion")[0]["params"] == {
        "item": item
    }
    parts = server.received("textDocument/didPartiallyAcceptCompletion")
    assert [m["params"]["acceptedLength"] for m in parts] == [3]
    # The server compares the text with what it offered, so it has to know the text.
    methods = [m["method"] for m in server.received_in_order()]
    n_accepted = methods.index("workspace/executeCommand")
    assert methods[n_accepted - 1] == "textDocument/didChange"
    vim.type("<C-u>= ")
    eventually(vim.ghost, "é😀 b")
    vim.type("<C-]>")
    eventually(vim.ghost, "")
    eventually(lambda: len(server.received("starcoder/didRejectCompletion")) == 1)


# Keys


def test_next_and_previous_cycle_through_the_items(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("one", "two", "three")).cmd)
    vim.type("i")
    eventually(vim.ghost, "one")
    vim.type("<M-]>")
    eventually(vim.ghost, "two")
    vim.type("<M-[><M-[>")
    eventually(vim.ghost, "three")


def test_next_sends_an_explicit_request_if_there_is_only_one_item(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("one", "two", trigger=INVOKED), inserting("one", trigger=AUTOMATIC)
    )
    vim = open_vim(server.cmd)
    vim.type("i")
    eventually(vim.ghost, "one")
    vim.type("<M-]>")
    eventually(vim.ghost, "two")


def test_without_auto_only_the_trigger_key_sends_requests(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    vim = open_vim(server.cmd, auto=False)
    vim.type("ia")
    eventually(vim.lines, ["a"])
    vim.execute("scripted.release")
    assert server.n_requests() == 0
    vim.type("<M-Bslash>")
    eventually(vim.ghost, "!")
    assert server.last_trigger() == INVOKED


def test_keys_do_what_they_did_while_there_is_no_ghost_text(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(
        scripted_server(inserting("!", after="x")).cmd,
        before="inoremap <Tab> mine",
    )
    vim.command("inoremap <buffer> <C-l> local")
    vim.type("i<Tab><C-l>")
    eventually(vim.lines, ["minelocal"])
    vim.type("x")
    eventually(vim.ghost, "!")
    vim.type("<C-l>")
    eventually(vim.lines, ["minelocalx!"])
    vim.type("<Tab><C-l>")
    eventually(vim.lines, ["minelocalx!minelocal"])


def test_keys_can_be_changed_and_switched_off(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    keys = {"accept": ["<C-j>", "<C-f>"], "accept_line": ""}
    vim = open_vim(scripted_server(inserting("!", after="x")).cmd, keys=keys)
    vim.type("ix")
    eventually(vim.ghost, "!")
    assert vim.eval("maparg('<Tab>', 'i') .. maparg('<C-l>', 'i')") == ""
    vim.type("<C-f>")
    eventually(vim.lines, ["x!"])
    vim.type("x")
    eventually(vim.ghost, "!")
    vim.type("<C-j>")
    eventually(vim.lines, ["x!x!"])


# What the user did not accept


def test_no_suggestions_come_while_a_macro_is_recorded_or_played(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    vim = open_vim(server.cmd, "a\nb\n")
    vim.type("qqA<Tab>x")
    eventually(lambda: vim.lines()[0], "a\tx")
    vim.type("<Tab><Esc>jq@q")
    eventually(vim.lines, ["a\tx\t", "b\tx\t"])
    vim.execute("scripted.release")
    assert server.n_requests() == 0
    vim.type("Ax")
    eventually(vim.ghost, "!")


def test_a_repeated_change_holds_only_what_was_typed(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("!", after="x")).cmd, "a\nb\n")
    vim.type("Ax")
    eventually(vim.ghost, "!")
    vim.type("<Tab>")
    eventually(vim.lines, ["ax!", "b"])
    vim.leave_insert_mode()
    vim.type("j.")
    eventually(lambda: vim.lines()[1].startswith("bx"))
    assert vim.lines() in (["ax!", "bx"], ["ax!", "bx!"])


def test_a_block_insert_gets_no_suggestions(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("1\n2", after="x"))
    vim = open_vim(server.cmd, "a\nb\nc\n")
    for command in ("I", "A", "c"):
        vim.type(f"gg<C-v>jj{command}x<Tab>")
        eventually(vim.mode, "i")
        vim.leave_insert_mode()
    eventually(vim.lines, ["x\t"] * 3 if False else vim.lines())
    assert len(vim.lines()) == 3
    vim.execute("scripted.release")
    assert server.n_requests() == 0
    vim.type("ggIx")
    eventually(vim.ghost, "1\n2")


# Buffers


def opened(server: ScriptedServer) -> list[str]:
    messages = server.received("textDocument/didOpen")
    return [m["params"]["textDocument"]["uri"] for m in messages]


def test_a_terminal_is_never_sent(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    vim = open_vim(server.cmd)
    vim.command("terminal sh")
    eventually(lambda: vim.mode() == "t")
    vim.type("echo secret$((40 + 2))<CR>")
    eventually(lambda: any("secret42" in row for row in vim.screen()))
    vim.type("<C-w>N")
    vim.command("call term_start('echo other', {'hidden': 1})")
    vim.command("stopinsert")
    vim.execute("scripted.release")
    assert len(opened(server)) == 1
    assert "secret" not in server.record_path.read_text()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("help", "'buftype' is help"),
        ("new | setlocal buftype=nofile", "'buftype' is nofile"),
        ("new | setlocal nomodifiable", "'modifiable' is off"),
        ("edit ++bin zero", "binary"),
        ("edit zero", "binary"),
        ("edit large", "larger than 10 MB"),
        ("file http://example.org/a", "no file"),
        ("enew | let b:starcoder_enabled = 0", "b:starcoder_enabled is off"),
        ("edit notes.txt", 'does not contain "text"'),
    ],
)
def test_status_says_why_a_buffer_is_not_sent(
    open_vim: OpenVim,
    scripted_server: MakeServer,
    folder: Path,
    command: str,
    why: str,
) -> None:
    (folder / "zero").write_bytes(b"a\0b\n\xff\xfe\n")
    (folder / "large").write_bytes(b"0123456789abcde\n" * 3_300_000)
    server = scripted_server(inserting("!"))
    types = {"filetypes": ["python", ""]} if "notes" in command else {}
    vim = open_vim(server.cmd, **types)
    vim.command(f"silent {command}")
    eventually(lambda: why in vim.told())
    vim.execute("scripted.release")
    assert len(opened(server)) == 1
    assert "0123456789abcde" not in server.record_path.read_text()


def test_a_buffer_without_a_name_has_a_document_until_it_gets_one(
    open_vim: OpenVim, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server(inserting("!", after="x"))
    vim = open_vim(server.cmd)
    vim.command("enew")
    vim.type("ix")
    eventually(vim.ghost, "!")
    assert opened(server)[1].startswith("untitled:")
    vim.leave_insert_mode()
    vim.command("write new.py")
    eventually(lambda: len(opened(server)), 3)
    assert opened(server)[2] == (folder / "new.py").as_uri()
    closed = server.received("textDocument/didClose")
    assert closed[-1]["params"]["textDocument"]["uri"] == opened(server)[1]


def test_a_file_that_may_not_be_written_gets_suggestions(
    open_vim: OpenVim, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server(inserting("!", after="x"))
    vim = open_vim(server.cmd)
    (folder / "locked.py").write_text("")
    vim.command("view locked.py")
    vim.type("ix")
    eventually(vim.ghost, "!")


def test_a_path_is_sent_as_a_uri(
    open_vim: OpenVim, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server()
    open_vim(server.cmd, name="a b#é%.py")
    eventually(lambda: opened(server), [(folder / "a b#é%.py").as_uri()])


def test_a_new_filetype_opens_the_document_again(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    vim = open_vim(server.cmd)
    vim.command("set filetype=lua")
    vim.execute("scripted.release")
    sent = server.received("textDocument/didOpen")
    assert [m["params"]["textDocument"]["languageId"] for m in sent] == [
        "python",
        "lua",
    ]
    assert len(server.received("textDocument/didClose")) == 1


@pytest.mark.parametrize("command", ["bwipeout!", "new | bunload! #", "edit!", "enew!"])
def test_a_buffer_may_go_while_a_request_runs(
    open_vim: OpenVim, scripted_server: MakeServer, command: str
) -> None:
    server = scripted_server(inserting("!", after="x", is_held=True, is_deaf=True))
    vim = open_vim(server.cmd)
    vim.type("ix")
    eventually(lambda: server.last_column_asked() == 1)
    vim.command(f"stopinsert | {command}")
    vim.execute("scripted.release")
    assert vim.ghost() == ""
    assert not [line for line in vim.messages() if line.startswith("E")]


# The server


def test_the_server_gets_the_init_options_and_our_capabilities(
    open_vim: OpenVim, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server()
    open_vim(server.cmd, init_options={"model": "m"})
    params = server.received("initialize")[0]["params"]
    assert params["initializationOptions"] == {
        "notifications": ["didChangeStatus", "starcoder/suggestionReady"],
        "model": "m",
    }
    assert params["rootUri"] == folder.as_uri()
    assert "inlineCompletion" in params["capabilities"]["textDocument"]


def test_a_missing_server_is_reported_in_one_line(start_vim: OpenVim) -> None:
    vim = start_vim({"cmd": ["/no/such/starcoder-lsp", "--stdio"]})
    vim.command("edit a.py")
    vim.command("edit b.py")
    assert len([line for line in vim.messages() if "starcoder" in line]) == 1
    told = "starcoder: cannot run /no/such/starcoder-lsp: see :help starcoder-install"
    assert told in vim.told()
    assert "server not running" in vim.status()


@pytest.mark.parametrize(
    ("shell", "told"),
    [
        (
            "echo no such option >&2; exit 7",
            "ended at start with status 7: no such option",
        ),
        ("echo starcoder-lsp 0.0.1", "ended at start with status 0"),
    ],
)
def test_a_server_that_ends_at_start_is_not_started_again(
    start_vim: OpenVim, shell: str, told: str
) -> None:
    vim = start_vim({"cmd": ["sh", "-c", shell]})
    vim.command("edit a.py")
    eventually(lambda: told in vim.told())
    vim.command("edit b.py")
    assert len([line for line in vim.messages() if "starcoder: the" in line]) == 1


def test_a_server_without_inline_completion_is_named(
    start_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(capabilities={"inlineCompletionProvider": False})
    vim = start_vim({"cmd": server.cmd})
    vim.command("edit a.py")
    eventually(lambda: "too old, or another program" in vim.told())


def test_a_server_that_dies_starts_again_with_all_documents(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    vim = open_vim(server.cmd, before="let g:starcoder_wait_ms = 1")
    vim.type("ix")
    eventually(vim.ghost, "!")
    vim.command("call Ask('scripted.crash', [])")
    eventually(lambda: len(opened(server)), 2)
    eventually(vim.ghost, "!")
    vim.type("<Tab>")
    eventually(vim.lines, ["x!"])


def test_a_server_that_dies_five_times_waits_for_the_user(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    vim = open_vim(server.cmd, before="let g:starcoder_wait_ms = 1")
    for n in range(1, 6):
        eventually(lambda n=n: len(opened(server)) == n)  # type: ignore[misc]
        vim.command("call Ask('scripted.crash', [])")
        eventually(lambda: vim.eval("starcoder#client#State()") != "ready")
    eventually(lambda: "the server ended 5 times" in vim.told())
    assert "server not running" in vim.status()
    vim.command("Starcoder restart")
    vim.type("ix")
    eventually(vim.ghost, "!")


def test_a_suggestion_that_became_ready_is_requested(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server({"after": "x", "items": []})
    vim = open_vim(server.cmd)
    vim.type("ix")
    eventually(lambda: server.last_column_asked() == 1)
    uri = opened(server)[0]
    n_requests = server.n_requests()
    for character in (0, 1):
        position = {"line": 0, "character": character}
        ready = {"textDocument": {"uri": uri, "version": 1}, "position": position}
        vim.execute("scripted.send", "starcoder/suggestionReady", ready)
    eventually(server.n_requests, n_requests + 1)


def test_the_status_is_that_of_the_server(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server().cmd)
    vim.command("autocmd User StarcoderStatus let g:shown = starcoder#Status()")
    for kind, busy, message, shown in (
        ("Normal", 1, "loading model 43 %", "loading model 43 %"),
        ("Error", 0, "no memory", "⚠ no memory"),
        ("Normal", 0, "", "ready"),
    ):
        status = {"kind": kind, "busy": busy, "message": message}
        vim.execute("scripted.send", "didChangeStatus", status)
        eventually(lambda s=shown: vim.eval("g:shown") == f"starcoder: {s}")  # type: ignore[misc]


def test_a_question_waits_for_the_end_of_insert_mode_and_is_answered(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    vim = open_vim(server.cmd)
    vim.type("i")
    eventually(vim.mode, "i")
    actions = [{"title": "Yes"}, {"title": "No"}]
    question = {"type": 3, "message": "Download it?", "actions": actions}
    vim.execute("scripted.ask", "window/showMessageRequest", question)
    vim.type("jj")
    eventually(vim.lines, ["jj"])
    vim.leave_insert_mode()
    eventually(lambda: any("Yes" in row for row in vim.screen()))
    vim.type("j<CR>")
    eventually(server.replies, [{"title": "No"}])


def test_long_messages_need_no_key(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    vim = open_vim(scripted_server(inserting("!", after="x")).cmd)
    text = {"type": 1, "message": "starcoder: " + "long\nwords " * 50}
    vim.execute("scripted.send", "window/showMessage", text)
    vim.type("ix")
    eventually(vim.ghost, "!")
    vim.leave_insert_mode()
    assert vim.told().count("words") == 50


def test_explain_opens_a_page_with_the_answer_of_the_server(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        results={"starcoder.explain": "decision: shown\nprompt: x"}
    )
    vim = open_vim(server.cmd)
    vim.command("Starcoder explain")
    eventually(vim.lines, ["decision: shown", "prompt: x"])
    vim.type("q")
    eventually(vim.lines, [""])
    vim.command("Starcoder explain")
    eventually(vim.lines, ["decision: shown", "prompt: x"])


def test_disable_stops_requests_and_enable_resumes_them(
    open_vim: OpenVim, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    vim = open_vim(server.cmd)
    vim.command("Starcoder disable")
    vim.type("ix")
    eventually(vim.lines, ["x"])
    vim.execute("scripted.release")
    assert server.n_requests() == 0
    assert vim.status() == "starcoder: disabled"
    vim.command("Starcoder enable")
    eventually(vim.ghost, "!")


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"cmd": "starcoder-lsp"}, "g:starcoder.cmd must be a list of strings"),
        ({"command": []}, 'g:starcoder has no option "command"'),
        ({"keys": {"accpet": "x"}}, 'g:starcoder.keys has no action "accpet"'),
        (
            {"keys": {"accept": 1}},
            'g:starcoder.keys.accept must be a key such as "<Tab>"',
        ),
    ],
)
def test_a_wrong_option_is_named(
    start_vim: OpenVim, config: dict[str, Any], problem: str
) -> None:
    vim = start_vim(config)
    eventually(lambda: problem in vim.told())


def test_the_command_completes_its_subcommands(start_vim: OpenVim) -> None:
    vim = start_vim({"cmd": ["true"]})
    assert vim.eval("getcompletion('Starcoder st', 'cmdline')") == ["stats", "status"]
    vim.command("Starcoder nonsense")
    assert any('no subcommand "nonsense"' in line for line in vim.messages())


# The files


def test_all_functions_compile(vim_binary: str | None, tmp_path: Path) -> None:
    if vim_binary is None:
        pytest.skip("no vim: install the Debian package vim")
    copies = []
    for file in sorted((PLUGIN / "autoload").rglob("*.vim")):
        copy = tmp_path / file.relative_to(PLUGIN)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text() + "defcompile\n")
        copies.append(copy)
    runtime = ["-c", f"set runtimepath^={tmp_path}"]
    sources = " | ".join(f"source {copy}" for copy in copies)
    command = [vim_binary, "-Nu", "NONE", "-i", "NONE", "-n", "-es", "-V1"]
    done = subprocess.run(
        [*command, *runtime, "-c", sources, "-c", "qall!"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "E1" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_the_help_has_no_double_tags(vim_binary: str | None, tmp_path: Path) -> None:
    if vim_binary is None:
        pytest.skip("no vim: install the Debian package vim")
    doc = tmp_path / "doc"
    doc.mkdir()
    (doc / "starcoder.txt").write_text((PLUGIN / "doc" / "starcoder.txt").read_text())
    command = [vim_binary, "-Nu", "NONE", "-i", "NONE", "-n", "-es"]
    environment = {**os.environ, "TERM": "dumb"}
    subprocess.run(
        [*command, "-c", f"helptags {doc}", "-c", "qall!"],
        env=environment,
        timeout=60,
        check=True,
    )
    tags = [line.split("\t")[0] for line in (doc / "tags").read_text().splitlines()]
    assert {"starcoder", "starcoder-install", "starcoder-keys", ":Starcoder"} <= {*tags}
