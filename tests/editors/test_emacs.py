"""The Emacs package, driven key by key in a real Emacs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from editors.driver import ScriptedServer, eventually
from editors.emacs_driver import PACKAGE, Emacs, emacs_binaries, lisp

OpenEmacs = Callable[..., Emacs]
MakeServer = Callable[..., ScriptedServer]
Rule = dict[str, Any]

INVOKED = 1
AUTOMATIC = 2
MISSING = (
    "no emacs: install the Debian package emacs-nox, or set STARCODER_LSP_TEST_EMACS"
)
# Emacs Lisp packages to test with, separated as in PATH: package-lint, lsp-mode, company
# and what they need.
PACKAGES = [
    p for p in os.environ.get("STARCODER_LSP_TEST_ELPA", "").split(os.pathsep) if p
]


def inserting(*texts: str, after: str = "", **rule: Any) -> Rule:
    """Make a rule whose items have no range."""
    return {"after": after, "items": [{"insertText": text} for text in texts], **rule}


def replacing(text: str, start: int, end: int, after: str = "") -> Rule:
    """Make a rule whose item replaces a range of columns in line 0."""
    positions = [{"line": 0, "character": column} for column in (start, end)]
    item_range = {"start": positions[0], "end": positions[1]}
    return {"after": after, "items": [{"insertText": text, "range": item_range}]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "emacs_binary" in metafunc.fixturenames:
        binaries = emacs_binaries()
        names = [Path(binary).name for binary in binaries]
        metafunc.parametrize("emacs_binary", binaries or [None], ids=names or None)


def with_packages(needed: str) -> list[str]:
    """Return the arguments of an Emacs that finds a package; skip without it."""
    if not any(needed in Path(folder).name for folder in PACKAGES):
        pytest.skip(f"no {needed}: name its folder in STARCODER_LSP_TEST_ELPA")
    return [argument for folder in PACKAGES for argument in ("-L", folder)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project."""
    path = tmp_path / "project"
    (path / ".git").mkdir(parents=True)
    return path


@pytest.fixture
def start_emacs(emacs_binary: str | None, folder: Path) -> Iterator[OpenEmacs]:
    """Start an Emacs with the package, whose server is `cmd`."""
    if emacs_binary is None:
        pytest.skip(MISSING)
    with contextlib.ExitStack() as editors:

        def start(cmd: list[str], before: str = "(global-starcoder-mode 1)") -> Emacs:
            command = f"(setq starcoder-command (append {lisp(cmd)} nil))\n"
            emacs = Emacs(emacs_binary, folder, command + before)
            return editors.enter_context(contextlib.closing(emacs))

        yield start


@pytest.fixture
def open_emacs(start_emacs: OpenEmacs, folder: Path) -> OpenEmacs:
    """Open `text` in an Emacs whose server is `cmd`; point is at its end."""

    def open_file(
        cmd: list[str], text: str = "", name: str = "a.py", **more: Any
    ) -> Emacs:
        path = folder / name
        path.write_bytes(text.encode())
        emacs = start_emacs(cmd, **more)
        emacs.visit(path)
        eventually(lambda: emacs.eval("(and starcoder-documents--state t)"))
        emacs.eval("(goto-char (point-max))")
        return emacs

    return open_file


def opened(server: ScriptedServer) -> list[str]:
    messages = server.received("textDocument/didOpen")
    return [m["params"]["textDocument"]["uri"] for m in messages]


# Showing


def test_ghost_text_appears_after_typing(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("urn 1", after="ret")).cmd)
    emacs.type("ret")
    eventually(emacs.ghost, "urn 1")
    assert emacs.drawn() == "return 1"
    assert emacs.text() == "ret"
    assert emacs.point() == 3


def test_a_suggestion_of_several_lines_is_drawn_as_it_will_be(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    text = "\t{\n\treturn\ta;\n\n}"
    emacs = open_emacs(
        scripted_server(inserting(text, after="f()")).cmd, "f()\nbelow\n"
    )
    emacs.eval("(goto-char 3)")
    emacs.eval("(delete-char 1)")
    emacs.type(")")
    eventually(emacs.ghost, text)
    assert emacs.drawn() == f"f(){text}\nbelow\n"
    emacs.type("<Tab>")
    eventually(emacs.text, f"f(){text}\nbelow\n")


@pytest.mark.parametrize("sync", [1, 2])
def test_the_server_has_the_text_of_the_buffer(
    open_emacs: OpenEmacs, scripted_server: MakeServer, sync: int
) -> None:
    server = scripted_server(inserting("!", after="x"), sync=sync)
    emacs = open_emacs(server.cmd, "one\n😀 two\nthree")
    for change in (
        '(insert "\\nfour")',
        '(progn (goto-char 2) (insert "é") (kill-whole-line))',
        "(progn (yank) (goto-char (point-min)) (upcase-word 2))",
        '(progn (erase-buffer) (insert "new"))',
        "(undo)",
        "(save-restriction (narrow-to-region 3 9) (erase-buffer))",
    ):
        emacs.eval(change)
        emacs.eval("(starcoder-documents-flush)")
        assert emacs.execute("scripted.text", opened(server)[0]) == emacs.text(), change


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_columns_after_an_emoji_and_a_tab_are_right(
    open_emacs: OpenEmacs, scripted_server: MakeServer, encoding: str, line_end: str
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
    server = scripted_server(rule, encoding=encoding, sync=2)
    emacs = open_emacs(server.cmd, f"{before}{line_end}")
    emacs.eval("(progn (goto-char (point-min)) (end-of-line))")
    emacs.type("ret")
    eventually(emacs.ghost, "urn '😀'\nx")
    emacs.type("<C-Right>")
    eventually(emacs.text, f"{before}return\n")
    emacs.type("<Tab>")
    eventually(emacs.text, f"{before}return '😀'\nx\n")


def test_ghost_text_hides_when_point_or_the_window_moves(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("!", after="x")).cmd)
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.type("<C-b>")
    eventually(emacs.ghost, "")
    emacs.type("<C-e>x")
    eventually(emacs.ghost, "!")
    emacs.type("<C-x>2<C-x>o")
    drawn_here = "(overlay-get (car starcoder-inline--overlays) 'window)"
    eventually(lambda: emacs.eval(f"(eq {drawn_here} (selected-window))"))
    assert emacs.eval("(length starcoder-inline--overlays)") == 1
    emacs.type("<C-x>b<CR>")
    eventually(lambda: emacs.eval('(string= (buffer-name) "a.py")'), None)
    everywhere = '(with-current-buffer "a.py" (and starcoder-inline-active t))'
    eventually(lambda: emacs.eval(everywhere), None)


# Typing on


def test_typing_the_ghost_text_sends_no_request(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn\n    1", after="ret"))
    emacs = open_emacs(server.cmd)
    emacs.type("    ret")
    eventually(emacs.ghost, "urn\n    1")
    n_requests = server.n_requests()
    emacs.type("ur")
    eventually(emacs.ghost, "n\n    1")
    emacs.type("<BS>")
    eventually(emacs.ghost, "rn\n    1")
    emacs.execute("scripted.release")
    assert server.n_requests() == n_requests


def test_every_superseded_request_is_cancelled(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", is_held=True))
    emacs = open_emacs(server.cmd)
    for n_typed, key in enumerate("ret"):
        emacs.type(key)
        eventually(lambda n=n_typed: server.n_requests() == n + 1)  # type: ignore[misc]
    emacs.type("<C-a>")
    eventually(lambda: len(server.received("$/cancelRequest")) == 3)
    asked = server.received("textDocument/inlineCompletion")
    cancelled = server.received("$/cancelRequest")
    assert [m["id"] for m in asked] == [m["params"]["id"] for m in cancelled]


@pytest.mark.parametrize(("typed", "ghost"), [("e", "turn"), ("x", "")])
def test_a_late_answer_is_shown_if_the_text_typed_since_agrees(
    open_emacs: OpenEmacs, scripted_server: MakeServer, typed: str, ghost: str
) -> None:
    server = scripted_server(inserting("eturn", after="r", is_held=True, is_deaf=True))
    emacs = open_emacs(server.cmd)
    emacs.type("r")
    eventually(lambda: server.last_column_asked() == 1)
    emacs.type(typed)
    eventually(lambda: server.last_column_asked() == 2)
    emacs.execute("scripted.release")
    eventually(emacs.ghost, ghost)


# Accepting


def test_an_accepted_item_is_one_undo_step(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("urn 1\nx", after="ret"))
    emacs = open_emacs(server.cmd)
    emacs.type("ret")
    eventually(emacs.ghost, "urn 1\nx")
    emacs.type("<Tab>")
    eventually(emacs.text, "return 1\nx")
    emacs.type("y")
    eventually(emacs.text, "return 1\nxy")
    emacs.execute("scripted.release")
    n_requests = server.n_requests()
    for undone in ("return 1\nx", "ret", ""):
        emacs.type("<C-_>")
        eventually(emacs.text, undone)
    assert emacs.ghost() == ""
    emacs.execute("scripted.release")
    assert server.n_requests() == n_requests


def test_words_and_lines_are_accepted_one_by_one(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("a.b(c)\n  d\ne", after="= ")).cmd)
    emacs.type("= ")
    eventually(emacs.ghost, "a.b(c)\n  d\ne")
    for key, rest in (
        ("<C-Right>", ".b(c)\n  d\ne"),
        ("<C-Right>", "b(c)\n  d\ne"),
        ("<C-e>", "\n  d\ne"),
        ("<C-Right>", "\ne"),
        ("<C-e>", ""),
    ):
        emacs.type(key)
        eventually(emacs.ghost, rest)
    assert emacs.text() == "= a.b(c)\n  d\ne"


def test_an_item_replaces_its_range_after_point(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(replacing("f(a)", 0, 3, after="f(")).cmd, "f)")
    emacs.eval("(goto-char 2)")
    emacs.type("(")
    eventually(emacs.drawn, "f(a)")
    emacs.type("<Tab>")
    eventually(emacs.text, "f(a)")
    assert emacs.point() == 4


def test_the_server_is_told_what_is_shown_accepted_and_dismissed(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    command = {"title": "accepted", "command": "scripted.accepted", "arguments": ["id"]}
    item = {"insertText": "é😀 b", "command": command}
    server = scripted_server(
        {"after": "= ", "items": [item]}, experimental={"starcoder": {"events": True}}
    )
    emacs = open_emacs(server.cmd)
    emacs.type("= ")
    eventually(emacs.ghost, "é😀 b")
    emacs.type("<C-Right>")
    eventually(emacs.ghost, " b")
    emacs.type("<Tab>")
    eventually(lambda: server.commands(), ["scripted.accepted"])
    assert server.received("textDocument/didShowCompletion")[0]["params"] == {
        "item": item
    }
    parts = server.received("textDocument/didPartiallyAcceptCompletion")
    assert [m["params"]["acceptedLength"] for m in parts] == [3]
    # The server compares the text with what it offered, so it has to know the text.
    methods = [m["method"] for m in server.received_in_order()]
    assert (
        methods[methods.index("workspace/executeCommand") - 1]
        == "textDocument/didChange"
    )
    emacs.type("<CR>= ")
    eventually(emacs.ghost, "é😀 b")
    emacs.type("<C-g>")
    eventually(emacs.ghost, "")
    eventually(lambda: len(server.received("starcoder/didRejectCompletion")) == 1)


# Keys


def test_next_and_previous_cycle_through_the_items(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("one", "two", "three")).cmd)
    emacs.type("x")
    eventually(emacs.ghost, "one")
    emacs.type("<M-n>")
    eventually(emacs.ghost, "two")
    emacs.type("<M-p><M-p>")
    eventually(emacs.ghost, "three")


def test_next_sends_an_explicit_request_if_there_is_only_one_item(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        inserting("one", "two", trigger=INVOKED), inserting("one", trigger=AUTOMATIC)
    )
    emacs = open_emacs(server.cmd)
    emacs.type("x")
    eventually(emacs.ghost, "one")
    emacs.type("<M-n>")
    eventually(emacs.ghost, "two")


def test_without_auto_only_the_trigger_key_sends_requests(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!"))
    before = "(setq starcoder-auto nil) (global-starcoder-mode 1)"
    emacs = open_emacs(server.cmd, before=before)
    emacs.type("a")
    eventually(emacs.text, "a")
    emacs.execute("scripted.release")
    assert server.n_requests() == 0
    emacs.type("<C-c>.")
    eventually(emacs.ghost, "!")
    assert server.last_trigger() == INVOKED


def test_keys_do_what_they_did_while_there_is_no_ghost_text(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("!", after="x")).cmd, "def f():\n")
    emacs.type("<Tab>")
    eventually(emacs.text, "def f():\n    ")
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.type("<Tab>")
    eventually(emacs.text, "def f():\n    x!")
    emacs.type("<C-a><C-e>")
    eventually(emacs.point, len("def f():\n    x!"))


def test_an_open_popup_keeps_the_tab_key(
    open_emacs: OpenEmacs, scripted_server: MakeServer, emacs_binary: str
) -> None:
    paths = with_packages("company")[1::2]
    before = "".join(f"(push {lisp(path)} load-path)" for path in paths)
    before += """
      (require 'company)
      (setq company-idle-delay nil company-backends '(company-dabbrev-code))
      (global-company-mode 1) (global-starcoder-mode 1)
    """
    emacs = open_emacs(
        scripted_server(inserting("!", after="val")).cmd,
        "value1\nvalue2\n",
        before=before,
    )
    emacs.type("val")
    eventually(emacs.ghost, "!")
    emacs.type("<M-x>company-complete<CR>")
    eventually(lambda: emacs.eval("(and company-candidates t)"))
    emacs.type("<Tab>")
    eventually(lambda: emacs.text().startswith("value1\nvalue2\nvalue"))


# What the user did not accept


def test_no_suggestions_come_while_a_macro_is_recorded_or_played(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd, "a\nb\n", name="a.txt")
    emacs.eval("(progn (goto-char (point-min)) (text-mode) (starcoder-mode 1))")
    emacs.eval('(define-key (current-local-map) (kbd "TAB") \'self-insert-command)')
    emacs.type("<C-x>(<C-e>x<Tab><C-n><C-x>)")
    eventually(emacs.text, "ax\t\nb\n")
    emacs.type("<C-x>e")
    eventually(emacs.text, "ax\t\nbx\t\n")
    emacs.execute("scripted.release")
    assert server.n_requests() == 0


def test_several_cursors_get_no_suggestions(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd)
    emacs.eval("(setq multiple-cursors-mode t)")
    emacs.type("x")
    eventually(emacs.text, "x")
    emacs.execute("scripted.release")
    assert server.n_requests() == 0


def test_a_repeated_command_inserts_nothing_by_itself(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server(inserting("!", after="x")).cmd)
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.type("<Tab>")
    eventually(emacs.text, "x!")
    emacs.type("<C-x>z")
    eventually(lambda: "There is no suggestion" in emacs.messages())
    assert emacs.text() == "x!"


# Buffers


@pytest.mark.parametrize("mode", ["shell", "ansi-term", "eshell"])
def test_a_terminal_is_never_sent(
    open_emacs: OpenEmacs, scripted_server: MakeServer, mode: str
) -> None:
    server = scripted_server(inserting("!"))
    emacs = open_emacs(server.cmd)
    emacs.eval({"ansi-term": '(ansi-term "/bin/sh")'}.get(mode, f"({mode})"))
    emacs.type(
        "echo secret$((40 + 2))<CR>" if mode != "eshell" else "echo secret42<CR>"
    )
    eventually(lambda: "secret42" in emacs.text())
    emacs.eval("(starcoder-mode 1)")
    emacs.type("echo secret")
    eventually(lambda: emacs.text().count("secret") >= 2)
    assert len(opened(server)) == 1
    assert "secret" not in server.record_path.read_text()


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('(find-file "zero")', "binary"),
        ('(find-file-literally "raw")', "binary"),
        (
            '(let ((large-file-warning-threshold nil)) (find-file "large"))',
            "larger than",
        ),
        ('(switch-to-buffer "*scratch*")', ""),
        ('(switch-to-buffer "notes")', "no file"),
        ("(dired default-directory)", "no file"),
        ("(info)", "mode is"),
        ('(switch-to-buffer (make-indirect-buffer (current-buffer) "i"))', "indirect"),
    ],
)
def test_status_says_why_a_buffer_is_not_sent(
    open_emacs: OpenEmacs,
    scripted_server: MakeServer,
    folder: Path,
    expression: str,
    why: str,
) -> None:
    (folder / "zero").write_bytes(b"a\0b\n\xff\xfe\n")
    (folder / "raw").write_bytes(b"caf\xe9 \xff\n")
    (folder / "large").write_bytes(b"0123456789abcde\n" * 3_300_000)
    server = scripted_server(inserting("!"))
    emacs = open_emacs(server.cmd)
    emacs.eval(expression)
    emacs.eval("(starcoder-mode 1)")
    emacs.eval("(starcoder--post-command)")
    assert why in emacs.told()
    emacs.execute("scripted.release")
    assert len(opened(server)) == (1 if why else 2)
    assert "0123456789abcde" not in server.record_path.read_text()


def test_a_read_only_buffer_gets_no_suggestions_until_it_may_be_written(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd)
    emacs.eval("(read-only-mode 1)")
    emacs.type("x")
    eventually(lambda: "read-only" in emacs.messages())
    assert "read-only" in emacs.told()
    emacs.eval("(read-only-mode 0)")
    emacs.type("x")
    eventually(emacs.ghost, "!")


def test_a_buffer_with_a_new_name_or_mode_is_opened_again(
    open_emacs: OpenEmacs, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd)
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.eval(f"(write-file {lisp(str(folder / 'b é.py'))})")
    eventually(lambda: len(opened(server)) == 2)
    assert opened(server)[1] == (folder / "b é.py").as_uri()
    emacs.eval("(sh-mode)")
    eventually(lambda: len(opened(server)) == 3)
    languages = [
        m["params"]["textDocument"]["languageId"]
        for m in server.received("textDocument/didOpen")
    ]
    assert languages == ["python", "python", "shellscript"]
    emacs.eval("(progn (set-buffer-modified-p nil) (kill-buffer))")
    emacs.execute("scripted.release")
    assert len(server.received("textDocument/didClose")) == 3


@pytest.mark.parametrize(
    "expression",
    [
        "(kill-buffer)",
        "(revert-buffer t t)",
        "(progn (fundamental-mode) (erase-buffer))",
    ],
)
def test_a_buffer_may_go_while_a_request_runs(
    open_emacs: OpenEmacs, scripted_server: MakeServer, expression: str
) -> None:
    server = scripted_server(inserting("!", after="x", is_held=True, is_deaf=True))
    emacs = open_emacs(server.cmd)
    emacs.type("x")
    eventually(lambda: server.last_column_asked() == 1)
    emacs.eval(f"(progn (set-buffer-modified-p nil) {expression})")
    emacs.execute("scripted.release")
    assert emacs.ghost() == ""
    assert "rror" not in emacs.messages()


# The server


def test_the_server_gets_the_options_and_our_capabilities(
    open_emacs: OpenEmacs, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server()
    options = '(setq starcoder-initialization-options (list :model "m"))'
    open_emacs(server.cmd, before=f"{options} (global-starcoder-mode 1)")
    params = server.received("initialize")[0]["params"]
    assert params["initializationOptions"] == {
        "notifications": ["didChangeStatus", "starcoder/suggestionReady"],
        "model": "m",
    }
    assert params["rootUri"] == folder.as_uri()
    assert "inlineCompletion" in params["capabilities"]["textDocument"]


def test_a_missing_server_is_reported_in_one_line(
    start_emacs: OpenEmacs, folder: Path
) -> None:
    emacs = start_emacs(["/no/such/starcoder-lsp", "--stdio"])
    for name in ("a.py", "b.py"):
        emacs.visit(folder / name)
        emacs.type("x")
    eventually(lambda: "server not running" in emacs.told())
    assert emacs.messages().count("starcoder: cannot run /no/such/starcoder-lsp") <= 2
    assert "install starcoder-lsp, or set" in emacs.told()
    assert "rror" not in emacs.messages()


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
    start_emacs: OpenEmacs, folder: Path, shell: str, told: str
) -> None:
    emacs = start_emacs(["sh", "-c", f"echo >> started; {shell}"])
    emacs.visit(folder / "a.py")
    eventually(lambda: told in emacs.told())
    emacs.visit(folder / "b.py")
    emacs.type("x")
    eventually(emacs.text, "x")
    started = Path(str(emacs.eval('(expand-file-name "~/started")')))
    assert len(started.read_text()) == 1


def test_a_server_without_inline_completion_is_named(
    start_emacs: OpenEmacs, scripted_server: MakeServer, folder: Path
) -> None:
    server = scripted_server(capabilities={"inlineCompletionProvider": False})
    emacs = start_emacs(server.cmd)
    emacs.visit(folder / "a.py")
    eventually(lambda: "too old, or another program" in emacs.told())


FAST = "(setq starcoder-client-waits '(0.01 0.01 0.01 0.01)) (global-starcoder-mode 1)"


def test_a_server_that_dies_starts_again_with_all_documents(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd, before=FAST)
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.eval('(starcoder-inline-execute "scripted.crash" [])')
    eventually(lambda: len(opened(server)) == 2)
    emacs.type("x")
    eventually(emacs.ghost, "!")
    emacs.type("<Tab>")
    eventually(emacs.text, "xx!")


def test_a_server_that_dies_five_times_waits_for_the_user(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(inserting("!", after="x"))
    emacs = open_emacs(server.cmd, before=FAST)
    for n in range(1, 6):
        eventually(lambda n=n: len(opened(server)) == n)  # type: ignore[misc]
        emacs.eval('(starcoder-inline-execute "scripted.crash" [])')
        eventually(lambda: emacs.eval("starcoder-client-state") != "ready")
    eventually(lambda: "the server ended 5 times" in emacs.told())
    emacs.type("x")
    eventually(emacs.text, "x")
    emacs.eval("(starcoder-restart)")
    eventually(lambda: len(opened(server)) == 6)
    emacs.type("x")
    eventually(emacs.ghost, "!")


def test_a_suggestion_that_became_ready_is_requested(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server({"after": "x", "items": []})
    emacs = open_emacs(server.cmd)
    emacs.type("x")
    eventually(lambda: server.last_column_asked() == 1)
    n_requests = server.n_requests()
    for character in (0, 1):
        position = {"line": 0, "character": character}
        ready = {"textDocument": {"uri": opened(server)[0]}, "position": position}
        emacs.execute("scripted.send", "starcoder/suggestionReady", ready)
    eventually(server.n_requests, n_requests + 1)


def test_the_status_is_that_of_the_server(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    emacs = open_emacs(scripted_server().cmd)
    for kind, is_busy, message, shown in (
        ("Normal", True, "loading model 43 %", "loading model 43 %"),
        ("Error", False, "no memory", "⚠ no memory"),
        ("Normal", False, "", "ready"),
    ):
        status = {"kind": kind, "message": message} | (
            {"busy": True} if is_busy else {}
        )
        emacs.execute("scripted.send", "didChangeStatus", status)
        eventually(lambda s=shown: s in emacs.told())  # type: ignore[misc]


def test_a_question_waits_until_the_user_rests_and_is_answered(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server()
    emacs = open_emacs(server.cmd)
    actions = [{"title": "Yes"}, {"title": "No"}]
    question = {"type": 3, "message": "Download it?", "actions": actions}
    emacs.execute("scripted.ask", "window/showMessageRequest", question)
    emacs.type("typed")
    eventually(emacs.text, "typed")
    eventually(lambda: emacs.eval("(and (active-minibuffer-window) t)"))
    emacs.type("No<CR>")
    eventually(server.replies, [{"title": "No"}])


def test_explain_shows_the_answer_of_the_server(
    open_emacs: OpenEmacs, scripted_server: MakeServer
) -> None:
    server = scripted_server(
        results={"starcoder.explain": "decision: shown\nprompt: x"}
    )
    emacs = open_emacs(server.cmd)
    emacs.eval("(starcoder-explain)")
    page = '(and (get-buffer "*starcoder explain*") (with-current-buffer "*starcoder explain*" (buffer-string)))'
    eventually(lambda: emacs.eval(page), "decision: shown\nprompt: x")


def test_ghost_text_through_the_server_that_eglot_runs(
    start_emacs: OpenEmacs, scripted_server: MakeServer, folder: Path
) -> None:
    item = {
        "insertText": "urn 1",
        "command": {"command": "scripted.accepted", "title": ""},
    }
    server = scripted_server({"after": "ret", "items": [item]}, encoding="utf-16")
    emacs = start_emacs(
        ["/no/such/server"],
        before=f"""
        (require 'eglot)
        (setq eglot-server-programs '((python-mode . {lisp(server.cmd).replace("vector ", "")})))
        (add-hook 'eglot-managed-mode-hook #'starcoder-mode)
        """,
    )
    (folder / "a.py").write_text("# 😀\n")
    emacs.visit(folder / "a.py")
    emacs.eval("(progn (goto-char (point-max)) (eglot-ensure))")
    emacs.type("<C-f>")
    eventually(lambda: len(opened(server)) == 1)
    eventually(lambda: emacs.eval("(and starcoder-mode t)"))
    emacs.type("ret")
    eventually(emacs.ghost, "urn 1")
    emacs.type("<Tab>")
    eventually(emacs.text, "# 😀\nreturn 1")
    eventually(lambda: "scripted.accepted" in server.commands())
    assert len(opened(server)) == 1


def test_lsp_mode_draws_the_suggestions_of_the_registered_server(
    start_emacs: OpenEmacs, scripted_server: MakeServer, folder: Path
) -> None:
    paths = with_packages("lsp-mode")[1::2]
    before = "".join(f"(push {lisp(path)} load-path)" for path in paths)
    before += """
      (setq lsp-session-file (expand-file-name "session" "~/") lsp-auto-guess-root t
            lsp-keep-workspace-alive nil lsp-warn-no-matched-clients nil
            lsp-enable-suggest-server-download nil lsp-inline-completion-idle-delay 0.2
            lsp-headerline-breadcrumb-enable nil)
      (load "lsp-mode-autoloads")
      (require 'starcoder-lsp) (starcoder-lsp-setup)
      (require 'lsp-inline-completion)
      (add-hook 'python-mode-hook #'lsp)
    """
    # lsp-mode 10 needs a range, which starcoder-lsp always sends.
    server = scripted_server(replacing("return 1", 0, 3, after="ret"))
    emacs = start_emacs(server.cmd, before=before)
    emacs.visit(folder / "a.py")
    eventually(lambda: len(opened(server)) == 1)
    options = server.received("initialize")[0]["params"]["initializationOptions"]
    assert options["notifications"] == ["didChangeStatus", "starcoder/suggestionReady"]
    status = {"kind": "Error", "busy": True, "message": "no memory"}
    emacs.eval(
        '(lsp-request-async "workspace/executeCommand" (list :command "scripted.send"'
        f' :arguments (vector "didChangeStatus" {lisp(status)})) #\'ignore)'
    )
    eventually(lambda: emacs.eval("(starcoder-status-text)"), "⚠ no memory")
    emacs.type("ret")
    eventually(lambda: emacs.eval("(and lsp-inline-completion--overlay t)"))
    emacs.eval("(lsp-inline-completion-accept)")
    assert emacs.text() == "return 1"
    assert "Unknown" not in emacs.messages()


# The files


def batch(emacs_binary: str | None, *arguments: str, cwd: Path = PACKAGE) -> str:
    """Run an Emacs without a terminal, and return what it prints."""
    if emacs_binary is None:
        pytest.skip(MISSING)
    done = subprocess.run(
        [emacs_binary, "-Q", "--batch", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_unit_tests_in_emacs_lisp(emacs_binary: str | None) -> None:
    tests = str(PACKAGE / "test" / "starcoder-test.el")
    told = batch(
        emacs_binary, "-L", ".", "-l", tests, "-f", "ert-run-tests-batch-and-exit"
    )
    assert " 0 unexpected" in told


def test_the_files_compile_without_warnings(
    emacs_binary: str | None, tmp_path: Path
) -> None:
    files = sorted(PACKAGE.glob("*.el"))
    copies = [shutil.copy(file, tmp_path) for file in files]
    strict = "(setq byte-compile-error-on-warn t)"
    arguments = ["-L", ".", "--eval", strict, "-f", "batch-byte-compile"]
    batch(emacs_binary, *arguments, *map(str, copies), cwd=tmp_path)


def test_the_documentation_strings_are_in_order(emacs_binary: str | None) -> None:
    for file in sorted(PACKAGE.glob("*.el")):
        check = f"(progn (require 'checkdoc) (checkdoc-file {lisp(str(file))}))"
        assert batch(emacs_binary, "--eval", check) == ""


def test_package_lint_finds_nothing(emacs_binary: str | None) -> None:
    paths = with_packages("package-lint")
    main = (
        '(progn (require \'package-lint) (setq package-lint-main-file "starcoder.el"))'
    )
    files = [file.name for file in sorted(PACKAGE.glob("*.el"))]
    arguments = [*paths, "--eval", main, "-f", "package-lint-batch-and-exit", *files]
    assert "error" not in batch(emacs_binary, *arguments)
