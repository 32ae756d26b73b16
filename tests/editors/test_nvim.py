"""The Neovim plugin, driven key by key in a real Neovim."""

from collections.abc import Callable
from typing import Any

import pytest

from editors.driver import Neovim, ScriptedServer, eventually

StartNeovim = Callable[[], Neovim]
OpenEditor = Callable[..., Neovim]
MakeServer = Callable[..., ScriptedServer]
Rule = dict[str, Any]

INVOKED = 1
AUTOMATIC = 2

KEEP_MESSAGES = """
_G.messages = {}
vim.notify = function(message) table.insert(_G.messages, message) end
"""


def inserting(*texts: str, after: str = "", **rule: Any) -> Rule:
    """Make a rule whose items have no range."""
    return {"after": after, "items": [{"insertText": text} for text in texts], **rule}


def replacing(text: str, start: int, end: int, after: str = "") -> Rule:
    """Make a rule whose item replaces a range of columns in line 0."""
    positions = [{"line": 0, "character": column} for column in (start, end)]
    item_range = {"start": positions[0], "end": positions[1]}
    return {"after": after, "items": [{"insertText": text, "range": item_range}]}


def suggestion_ready(uri: str) -> tuple[str, str, Rule]:
    """Return the command that makes the server announce a suggestion."""
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 1}}
    return "scripted.send", "starcoder/suggestionReady", place


def messages(editor: Neovim) -> list[str]:
    return list(editor.lua("return _G.messages"))


# Showing


def test_ghost_text_appears_after_typing(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("urn 1", after="ret")).cmd)
    editor.type("iret")
    eventually(editor.ghost, "urn 1")
    assert editor.screen()[0] == "return 1"
    assert editor.lines() == ["ret"]


def test_ghost_text_appears_when_insert_mode_starts(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("1", after="= ")).cmd, "x = \n")
    editor.type("A")
    eventually(editor.ghost, "1")


def test_ghost_text_appears_where_the_cursor_moves(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="there"))
    editor = open_editor(server.cmd, "here\nthere\n")
    editor.type("A")
    eventually(editor.mode, "i")
    editor.type("<Down><End>")
    eventually(editor.ghost, "!")


def test_further_lines_are_drawn_below_with_the_tab_width_of_the_buffer(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("\t{\n\treturn\ta;\n}", after="f()"))
    editor = open_editor(server.cmd, before="vim.bo.tabstop = 4")
    editor.type("if()")
    eventually(editor.ghost, " {\n    return  a;\n}")
    assert editor.screen()[:3] == ["f() {", "    return  a;", "}"]
    editor.type("<Tab>")
    eventually(editor.lines, ["f()\t{", "\treturn\ta;", "}"])


def test_the_server_has_the_current_text_before_each_request(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="abc"))
    editor = open_editor(server.cmd)
    for key in "iabc":
        editor.type(key)
        eventually(editor.mode, "i")
    eventually(editor.ghost, "!")
    known, asked = "", []
    for message in server.received_in_order():
        if message["method"] == "textDocument/didChange":
            known = message["params"]["contentChanges"][0]["text"].rstrip("\n")
        if message["method"] == "textDocument/inlineCompletion":
            asked.append((known, message["params"]["position"]["character"]))
    assert asked[-1] == ("abc", 3)
    assert all(len(text) == column for text, column in asked)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns_after_an_emoji_are_right(
    open_editor: OpenEditor, scripted_server: MakeServer, encoding: str
) -> None:
    before, codec = (
        "s = '😀é'; ",
        encoding.replace("16", "16-le").replace("32", "32-le"),
    )
    unit_bytes = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    start, end = (
        len(text.encode(codec)) // unit_bytes for text in (before, before + "ret")
    )
    rule = replacing("return '😀'\nx", start, end, after="; ret")
    editor = open_editor(scripted_server(rule, encoding=encoding).cmd)
    editor.type(f"i{before}ret")
    eventually(editor.ghost, "urn '😀'\nx")
    editor.type("<C-Right>")
    eventually(editor.lines, [f"{before}return"])
    editor.type("<Tab>")
    eventually(editor.lines, [f"{before}return '😀'", "x"])
    assert editor.cursor() == (2, 1)


def test_ghost_text_keeps_its_colour_between_highlighted_brackets(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("x", after="f("))
    editor = open_editor(
        server.cmd, "f()\n", before="vim.cmd('runtime plugin/matchparen.vim')"
    )
    editor.type("f)i")
    eventually(editor.ghost, "x")
    editor.command("redraw")
    bracket, ghost = (
        editor.lua("return vim.fn.screenattr(1, ...)", column) for column in (2, 3)
    )
    assert ghost != bracket


# Typing on


def test_typing_the_ghost_text_sends_no_request(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn\n    1", after="ret"))
    editor = open_editor(server.cmd, before="vim.bo.autoindent = true")
    editor.type("i    ret")
    eventually(editor.ghost, "urn\n    1")
    n_requests = server.n_requests()
    editor.type("u")
    eventually(editor.ghost, "rn\n    1")
    editor.type("r<BS>")
    eventually(editor.ghost, "rn\n    1")
    editor.type("rn<CR>")
    eventually(editor.ghost, "1")
    editor.execute("scripted.release")
    assert server.n_requests() == n_requests
    editor.type("1")
    eventually(lambda: server.n_requests() == n_requests + 1)
    eventually(editor.ghost, "")


def test_typing_another_text_hides_the_ghost_text_and_sends_a_request(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn", after="ret"), inserting("ry", after="t"))
    editor = open_editor(server.cmd)
    editor.type("iret")
    eventually(editor.ghost, "urn")
    editor.type("x")
    eventually(editor.ghost, "")
    editor.type(" t")
    eventually(editor.ghost, "ry")


def test_every_superseded_request_is_cancelled(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", is_held=True))
    editor = open_editor(server.cmd)
    for n_typed, key in enumerate("iret"):
        editor.type(key)
        eventually(lambda n=n_typed: server.n_requests() > n)  # type: ignore[misc]
    eventually(lambda: len(server.received("$/cancelRequest")) == 3)
    editor.leave_insert_mode()
    eventually(lambda: len(server.received("$/cancelRequest")) == 4)
    asked = server.received("textDocument/inlineCompletion")
    cancelled = server.received("$/cancelRequest")
    assert [m["id"] for m in asked] == [m["params"]["id"] for m in cancelled]


def test_each_request_tells_the_indentation_of_the_buffer(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="a"))
    options = "vim.bo.shiftwidth, vim.bo.expandtab = 2, true"
    open_editor(server.cmd, before=options).type("ia")
    eventually(lambda: server.n_requests() > 0)
    asked = server.received("textDocument/inlineCompletion")[-1]["params"]
    assert asked["formattingOptions"] == {"tabSize": 2, "insertSpaces": True}


@pytest.mark.parametrize(("typed", "ghost"), [("e", "turn"), ("x", "")])
def test_a_late_answer_is_shown_if_the_text_typed_since_agrees(
    open_editor: OpenEditor, scripted_server: MakeServer, typed: str, ghost: str
) -> None:
    server = scripted_server(inserting("eturn", after="r", is_held=True, is_deaf=True))
    editor = open_editor(server.cmd)
    editor.type("ir")
    eventually(lambda: server.last_column_asked() == 1)
    editor.type(typed)
    eventually(lambda: server.last_column_asked() == 2)
    editor.execute("scripted.release")
    eventually(editor.ghost, ghost)


@pytest.mark.parametrize("refusal", [{"items": None}, {"error": -32801}])
def test_null_and_errors_keep_the_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer, refusal: Rule
) -> None:
    server = scripted_server({"trigger": INVOKED, **refusal}, inserting("!"))
    editor = open_editor(server.cmd, before=KEEP_MESSAGES)
    editor.type("i")
    eventually(editor.ghost, "!")
    editor.type("<M-Bslash>")
    eventually(lambda: server.last_trigger() == INVOKED)
    editor.execute("scripted.release")
    assert editor.ghost() == "!"
    assert messages(editor) == []


def test_an_empty_answer_hides_the_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server({"trigger": INVOKED, "items": []}, inserting("!"))
    editor = open_editor(server.cmd)
    editor.type("i")
    eventually(editor.ghost, "!")
    editor.type("<M-Bslash>")
    eventually(editor.ghost, "")


def test_leaving_insert_mode_hides_the_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!")).cmd)
    editor.type("i")
    eventually(editor.ghost, "!")
    editor.leave_insert_mode()
    assert editor.ghost() == ""


def test_entering_another_window_hides_the_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("!")).cmd)
    editor.type("i")
    eventually(editor.ghost, "!")
    marks_left = editor.lua(
        "local namespace = vim.api.nvim_get_namespaces().starcoder "
        "local buffer = vim.api.nvim_get_current_buf() "
        "vim.cmd('new') "
        "return vim.api.nvim_buf_get_extmarks(buffer, namespace, 0, -1, {})"
    )
    assert marks_left == []


# Accepting


def test_accepting_inserts_the_suggestion_and_moves_the_cursor_to_its_end(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn 1", after="ret"))
    editor = open_editor(server.cmd, "x = 1\n")
    editor.type("oret")
    eventually(editor.ghost, "urn 1")
    editor.type("<Tab>")
    eventually(editor.lines, ["x = 1", "return 1"])
    assert editor.cursor() == (2, len("return 1"))
    eventually(editor.ghost, "")


def test_after_accepting_the_next_suggestion_is_requested(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("urn", after="ret"), inserting(" 1", after="return")
    )
    editor = open_editor(server.cmd)
    editor.type("iret")
    eventually(editor.ghost, "urn")
    editor.type("<Tab>")
    eventually(editor.ghost, " 1")


def test_an_accepted_item_is_one_undo_step(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("(a):\n    return a", after="def f"))
    editor = open_editor(server.cmd)
    editor.type("idef f")
    eventually(editor.ghost, "(a):\n    return a")
    editor.type("<Tab>")
    eventually(editor.lines, ["def f(a):", "    return a"])
    assert editor.cursor() == (2, len("    return a"))
    editor.leave_insert_mode()
    editor.command("undo")
    assert editor.lines() == ["def f"]
    editor.command("undo")
    assert editor.lines() == [""]


def test_words_are_accepted_one_by_one_across_lines(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting(" = é(日本)\n  y", after="x")).cmd)
    editor.type("ix")
    eventually(editor.ghost, " = é(日本)\n  y")
    steps = ["x =", "x = é", "x = é(", "x = é(日本", "x = é(日本)", "x = é(日本)\n  y"]
    for step in steps:
        editor.type("<C-Right>")
        eventually(editor.lines, step.split("\n"))
    assert editor.cursor() == (2, 3)


def test_lines_are_accepted_one_by_one(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting(":\n    a\n    b", after="x")).cmd)
    editor.type("ix")
    eventually(editor.ghost, ":\n    a\n    b")
    editor.type("<C-l>")
    eventually(editor.ghost, "\n    a\n    b")
    assert editor.lines() == ["x:"]
    editor.type("<C-l>")
    eventually(editor.ghost, "\n    b")
    editor.type("<C-l>")
    eventually(editor.lines, ["x:", "    a", "    b"])
    assert editor.cursor() == (3, 5)


def test_each_accepted_part_is_one_undo_step(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server(inserting("one two", after="x ")).cmd)
    editor.type("ix ")
    eventually(editor.ghost, "one two")
    editor.type("<C-Right>")
    eventually(editor.lines, ["x one"])
    editor.type("<C-Right>")
    eventually(editor.lines, ["x one two"])
    editor.leave_insert_mode()
    editor.command("undo")
    assert editor.lines() == ["x one"]


def test_an_item_replaces_its_range_after_the_cursor(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    rule = replacing("print(a, b):", 0, 7, after="print(")
    editor = open_editor(scripted_server(rule).cmd, "print()  # x\n")
    editor.type("f)i")
    eventually(editor.ghost, "a, b:")
    assert editor.screen()[0] == "print(a, b):  # x"
    editor.type("<Tab>")
    eventually(editor.lines, ["print(a, b):  # x"])
    assert editor.cursor() == (1, len("print(a, b):"))


def test_text_that_accepting_replaces_is_struck_through(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    rule = replacing("f(a,\n  b)", 0, 3, after="f(")
    editor = open_editor(scripted_server(rule).cmd, "f()\n")
    editor.type("f)i")
    eventually(editor.ghost, "a,\n  b)")
    marks = editor.lua(
        "local namespace = vim.api.nvim_get_namespaces().starcoder "
        "return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {details = true})"
    )
    struck = [mark for mark in marks if mark[3].get("hl_group") == "StarcoderReplaced"]
    assert [(mark[2], mark[3]["end_col"]) for mark in struck] == [(2, 3)]
    editor.type("<Tab>")
    eventually(editor.lines, ["f(a,", "  b)"])


def test_accepting_closes_the_completion_popup(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting(" = 1\nb = 2", after="alpha"))
    editor = open_editor(server.cmd, "alphabet\nalpha\n")
    editor.type("Goal<C-n><C-n>")
    eventually(lambda: editor.lua("return vim.fn.pumvisible()"), 1)
    eventually(editor.ghost, " = 1\nb = 2")
    editor.type("<Tab>")
    eventually(editor.lines, ["alphabet", "alpha", "alpha = 1", "b = 2"])
    assert editor.cursor() == (4, 5)
    assert editor.lua("return vim.fn.pumvisible()") == 0


def test_the_command_of_an_item_runs_when_the_whole_item_is_accepted(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    command = {"title": "", "command": "scripted.accepted", "arguments": [7]}
    item = {"insertText": "one two", "command": command}
    server = scripted_server({"after": "x ", "items": [item]})
    editor = open_editor(server.cmd)
    editor.type("ix ")
    eventually(editor.ghost, "one two")
    editor.type("<C-Right>")
    eventually(editor.ghost, " two")
    editor.execute("scripted.release")
    assert server.commands() == ["scripted.release"]
    editor.type("<Tab>")
    eventually(lambda: server.commands()[1:] == ["scripted.accepted"])
    executed = server.received("workspace/executeCommand")[-1]["params"]
    assert executed["arguments"] == [7]


def test_a_server_that_understands_events_is_told_what_is_shown_and_accepted(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("'😀' a b", after="x "), experimental={"starcoder": {"events": True}}
    )
    editor = open_editor(server.cmd)
    editor.type("ix ")
    eventually(editor.ghost, "'😀' a b")
    editor.type("'")
    eventually(editor.ghost, "😀' a b")
    for ghost in ("' a b", " a b"):
        editor.type("<C-Right>")
        eventually(editor.ghost, ghost)
    editor.execute("scripted.release")
    shown = server.received("textDocument/didShowCompletion")
    parts = server.received("textDocument/didPartiallyAcceptCompletion")
    assert [m["params"]["item"]["insertText"] for m in shown] == ["'😀' a b"]
    assert [m["params"]["acceptedLength"] for m in parts] == [3, 4]


def test_other_servers_get_no_events(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("a b", after="x "))
    editor = open_editor(server.cmd)
    editor.type("ix ")
    eventually(editor.ghost, "a b")
    editor.type("<C-Right>")
    eventually(editor.ghost, " b")
    editor.execute("scripted.release")
    assert server.received("textDocument/didShowCompletion") == []
    assert server.received("textDocument/didPartiallyAcceptCompletion") == []


def test_a_server_that_understands_events_is_told_what_is_dismissed(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("a b", after="x "), experimental={"starcoder": {"events": True}}
    )
    editor = open_editor(server.cmd)
    editor.type("ix ")
    eventually(editor.ghost, "a b")
    editor.type("<C-]>")
    eventually(lambda: len(server.received("starcoder/didRejectCompletion")), 1)
    (rejected,) = server.received("starcoder/didRejectCompletion")
    assert rejected["params"]["item"]["insertText"] == "a b"


def test_a_server_that_understands_it_is_told_where_the_cursor_rests(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(experimental={"starcoder": {"cursor": True}})
    editor = open_editor(server.cmd, "one\ntwo\nthree\n")
    editor.type("jj")

    def lines_heard() -> list[int]:
        moves = server.received("starcoder/cursorMoved")
        return [move["params"]["position"]["line"] for move in moves]

    eventually(lambda: lines_heard()[-1:], [2])


def test_a_longer_suggestion_is_requested_if_the_server_understands_it(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("long", trigger=INVOKED), experimental={"starcoder": {"more": True}}
    )
    editor = open_editor(server.cmd)
    editor.type("ix<M-CR>")
    eventually(editor.ghost, "long")
    assert len(server.received("starcoder/more")) == 1


def test_explain_stats_and_snooze_run_commands_of_the_server(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    for command in ("explain", "stats", "snooze 5"):
        editor.command(f"Starcoder {command}")
    names = ["starcoder.explain", "starcoder.statistics", "starcoder.snooze"]
    eventually(server.commands, names)
    snoozed = server.received("workspace/executeCommand")[-1]["params"]
    assert snoozed["arguments"] == [5]


# Keys


def test_dismissing_hides_the_ghost_text_until_the_next_change(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd)
    editor.type("i")
    eventually(editor.ghost, "!")
    n_requests = server.n_requests()
    editor.type("<C-]>")
    eventually(editor.ghost, "")
    editor.execute("scripted.release")
    assert server.n_requests() == n_requests
    assert editor.mode() == "i"
    editor.type("a")
    eventually(editor.ghost, "!")


def test_next_and_previous_cycle_through_the_items(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("one", "two", "three", after="x"))
    editor = open_editor(server.cmd)
    editor.type("ix")
    eventually(editor.ghost, "one")
    for key, ghost in [("<M-]>", "two"), ("<M-[>", "one"), ("<M-[>", "three")]:
        editor.type(key)
        eventually(editor.ghost, ghost)
    editor.type("<Tab>")
    eventually(editor.lines, ["xthree"])


def test_the_cycle_skips_items_that_no_longer_fit(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("one", "two", "other", after="x"))
    editor = open_editor(server.cmd)
    editor.type("ix")
    eventually(editor.ghost, "one")
    editor.type("o")
    eventually(editor.ghost, "ne")
    editor.type("<M-]>")
    eventually(editor.ghost, "ther")


def test_next_sends_an_explicit_request_if_there_is_only_one_item(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("one", "two", trigger=INVOKED), inserting("one", trigger=AUTOMATIC)
    )
    editor = open_editor(server.cmd)
    editor.type("ix")
    eventually(editor.ghost, "one")
    editor.type("<M-]>")
    eventually(editor.ghost, "two")


def test_without_auto_only_the_trigger_key_sends_requests(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd, setup={"auto": False})
    editor.type("ix")
    eventually(editor.lines, ["x"])
    editor.execute("scripted.release")
    assert server.n_requests() == 0
    editor.type("<M-Bslash>")
    eventually(editor.ghost, "!")
    assert server.last_trigger() == INVOKED


def test_tab_inserts_a_tab_without_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server().cmd)
    editor.type("ia<Tab>b")
    eventually(editor.lines, ["a\tb"])


USER_MAPPINGS = {
    "global": "vim.keymap.set('i', '<Tab>', 'mine')",
    "expression": "vim.keymap.set('i', '<Tab>', function() return 'mine' end,"
    " {expr = true})",
    "of the buffer": "vim.keymap.set('i', '<Tab>', function()"
    " vim.api.nvim_feedkeys('mine', 'ni', false) end, {buffer = true})",
}


@pytest.mark.parametrize("mapping", USER_MAPPINGS.values(), ids=USER_MAPPINGS)
def test_a_mapping_of_the_user_works_while_there_is_no_ghost_text(
    open_editor: OpenEditor, scripted_server: MakeServer, mapping: str
) -> None:
    server = scripted_server(inserting("urn", after="ret"))
    editor = open_editor(server.cmd, before=mapping)
    editor.type("i<Tab> ret")
    eventually(editor.ghost, "urn")
    editor.type("<Tab>")
    eventually(editor.lines, ["mine return"])
    editor.type(" <Tab>")
    eventually(editor.lines, ["mine return mine"])


def test_keys_can_be_changed_and_switched_off(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn", after="ret"))
    keys = {"accept": "<C-j>", "accept_line": False}
    editor = open_editor(server.cmd, setup={"keys": keys})
    editor.type("iret")
    eventually(editor.ghost, "urn")
    assert editor.lua("return vim.fn.maparg('<C-l>', 'i')") == ""
    editor.type("<C-j>")
    eventually(editor.lines, ["return"])


def test_accept_works_in_an_expression_mapping_of_the_user(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    mapping = """
    vim.keymap.set("i", "<C-j>", function()
      return require("starcoder").accept() and "" or "nothing"
    end, { expr = true })
    """
    server = scripted_server(inserting("urn", after="ret"))
    editor = open_editor(server.cmd, before=mapping)
    editor.type("i<C-j> ret")
    eventually(editor.ghost, "urn")
    editor.type("<C-j>")
    eventually(editor.lines, ["nothing return"])


# The server


def test_the_server_gets_the_init_options_and_our_capabilities(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    open_editor(server.cmd, setup={"init_options": {"model": "starcoder2-3b"}})
    params = server.received("initialize")[0]["params"]
    assert params["initializationOptions"] == {
        "model": "starcoder2-3b",
        "notifications": ["didChangeStatus", "starcoder/suggestionReady"],
    }
    offered = params["capabilities"]
    assert sorted(offered["general"]["positionEncodings"]) == ["utf-16", "utf-8"]
    assert offered["textDocument"]["inlineCompletion"] == {"dynamicRegistration": False}


def test_buffers_of_one_root_share_a_server(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    editor.command("write | edit %:h/other")
    eventually(lambda: len(server.received("textDocument/didOpen")) == 2)
    assert len(server.received("initialize")) == 1


def test_a_new_filetype_opens_the_document_again(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd, filetype="text")
    editor.command("set filetype=python")
    eventually(lambda: len(server.received("textDocument/didOpen")) == 2)
    opened = server.received("textDocument/didOpen")
    languages = [m["params"]["textDocument"]["languageId"] for m in opened]
    assert languages == ["text", "python"]


def test_only_buffers_with_the_given_filetypes_are_attached(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    setup = {"filetypes": ["python"]}
    editor = open_editor(scripted_server().cmd, filetype="python", setup=setup)
    editor.command("edit other")
    editor.command("set filetype=markdown")
    assert not editor.is_attached()
    assert editor.status() == ""


def test_the_status_is_that_of_the_server(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    count_changes = """
    _G.changes = 0
    vim.api.nvim_create_autocmd("User", {
      pattern = "StarcoderStatus",
      callback = function() _G.changes = _G.changes + 1 end,
    })
    """
    editor = open_editor(scripted_server().cmd)
    eventually(editor.status, "starcoder: starting")
    editor.lua(count_changes)
    cases = [
        (True, "loading model 43 %", "Normal", "starcoder: loading model 43 %"),
        (True, "", "Normal", "starcoder: busy"),
        (False, "no such model", "Error", "starcoder: ⚠ no such model"),
        (False, "", "Inactive", "starcoder: inactive"),
        (False, "", "Normal", "starcoder: ready"),
    ]
    for busy, message, kind, status in cases:
        reported = {"busy": busy, "message": message, "kind": kind}
        editor.execute("scripted.send", "didChangeStatus", reported)
        eventually(editor.status, status)
    assert editor.lua("return _G.changes") == len(cases)


def test_a_request_is_sent_again_once_the_server_can_answer_it(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd)
    editor.type("ix")
    eventually(server.n_requests, 1)
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    editor.execute(*suggestion_ready("file:///elsewhere"))
    editor.execute(*suggestion_ready(uri))
    eventually(server.n_requests, 2)
    editor.leave_insert_mode()
    editor.execute(*suggestion_ready(uri))
    editor.execute("scripted.release")
    assert server.n_requests() == 2


def test_a_question_of_the_server_waits_for_the_end_of_insert_mode(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    select_first = """
    vim.ui.select = function(items, _, on_choice)
      _G.mode_when_asked = vim.api.nvim_get_mode().mode
      on_choice(items[1])
    end
    """
    server = scripted_server()
    editor = open_editor(server.cmd, before=select_first)
    editor.type("i")
    eventually(editor.mode, "i")
    question = {"type": 3, "message": "Download?", "actions": [{"title": "Yes"}]}
    editor.execute("scripted.ask", "window/showMessageRequest", question)
    editor.type("typed")
    eventually(editor.lines, ["typed"])
    assert server.replies() == []
    editor.leave_insert_mode()
    eventually(server.replies, [{"title": "Yes"}])
    assert editor.lua("return _G.mode_when_asked") == "n"


def test_only_restart_starts_a_crashed_server_again(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    editor = open_editor(server.cmd, before=KEEP_MESSAGES)
    editor.lua(
        "vim.lsp.buf_request(0, 'workspace/executeCommand', "
        "{ command = 'scripted.crash' }, function() end)"
    )
    eventually(editor.status, "starcoder: ⚠ server not running")
    editor.command("doautocmd BufEnter")
    assert not editor.is_attached()
    editor.command("Starcoder restart")
    eventually(editor.status, "starcoder: starting")


def test_restart_reaches_a_running_server(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    open_editor(server.cmd).command("Starcoder restart")
    eventually(lambda: server.commands() == ["starcoder.restart"])


def test_a_missing_server_is_reported_once(start_neovim: StartNeovim) -> None:
    editor = start_neovim()
    editor.lua(KEEP_MESSAGES)
    editor.lua("require('starcoder').setup({ cmd = { 'no-such-server' } })")
    editor.command("edit one | edit two")
    eventually(lambda: len(messages(editor)), 1)
    assert [m for m in messages(editor) if "no-such-server" in m] == messages(editor)
    assert len(messages(editor)) == 1


# Switching


def test_disable_stops_requests_and_enable_resumes_them(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd)
    editor.type("i")
    eventually(editor.ghost, "!")
    editor.command("Starcoder disable")
    assert editor.ghost() == ""
    assert editor.status() == "starcoder: disabled"
    n_requests = server.n_requests()
    editor.type("a")
    eventually(editor.lines, ["a"])
    editor.execute("scripted.release")
    assert server.n_requests() == n_requests
    editor.command("Starcoder toggle")
    eventually(editor.ghost, "!")
    assert editor.status() == "starcoder: starting"


def test_one_buffer_can_be_switched_off(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    editor = open_editor(server.cmd)
    editor.lua("vim.b.starcoder_enabled = false")
    editor.type("ia<M-Bslash>b")
    eventually(editor.lines, ["ab"])
    editor.execute("scripted.release")
    assert server.n_requests() == 0
    assert editor.status() == "starcoder: disabled"


def test_the_command_completes_its_subcommands(start_neovim: StartNeovim) -> None:
    editor = start_neovim()
    found = editor.lua("return vim.fn.getcompletion('Starcoder t', 'cmdline')")
    assert found == ["toggle", "trigger"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{ modle = 1 }", 'starcoder: unknown option "modle"'),
        ("{ keys = { acept = 'x' } }", 'starcoder: unknown option "keys.acept"'),
        ("{ auto = 'no' }", 'starcoder: option "auto" must be true or false'),
        (
            "{ cmd = 'starcoder-lsp' }",
            'starcoder: option "cmd" must be a list of strings that is not empty',
        ),
        (
            "{ keys = { accept = true } }",
            'starcoder: option "keys.accept" must be a key such as "<Tab>", or false',
        ),
    ],
)
def test_setup_names_the_option_that_is_wrong(
    start_neovim: StartNeovim, options: str, message: str
) -> None:
    editor = start_neovim()
    editor.lua(KEEP_MESSAGES)
    editor.lua(f"require('starcoder').setup({options})")
    assert messages(editor) == [message]


# Health


def test_checkhealth_finds_no_problem(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server().cmd)
    editor.command("checkhealth starcoder")
    report = "\n".join(editor.lines())
    assert "scripted-server 1.0" in report
    assert "attached to 1 buffer" in report
    assert "WARNING" not in report
    assert "ERROR" not in report


def test_checkhealth_warns_if_neovim_draws_the_same_items(
    open_editor: OpenEditor, scripted_server: MakeServer
) -> None:
    editor = open_editor(scripted_server().cmd)
    if not editor.lua("return vim.lsp.inline_completion ~= nil"):
        pytest.skip("this Neovim has no inline completion of its own")
    editor.lua("vim.lsp.inline_completion.enable()")
    editor.command("checkhealth starcoder")
    assert "WARNING" not in "\n".join(editor.lines())
    editor.lua(
        "local id = vim.lsp.get_clients({ name = 'starcoder' })[1].id "
        "vim.lsp.inline_completion.enable(true, { client_id = id })"
    )
    editor.command("checkhealth starcoder")
    assert "draws the same items a second time" in "\n".join(editor.lines())
