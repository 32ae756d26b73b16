"""Mistakes of a client lose a message or a document, but never the session."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from lsp_client import PATIENCE_S, Client
from lsprotocol import types

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.lsp import stdio
from starcoder_lsp.lsp.documents.uris import DOCUMENT_SCHEMES
from starcoder_lsp.lsp.handlers import FEATURES, IN_ORDER, create_server
from starcoder_lsp.lsp.messages import framing
from starcoder_lsp.settings.resolve import Layer

URI = "file:///project/a.py"
PARSE_ERROR, INVALID_REQUEST = -32700, -32600
METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32601, -32602, -32603
OPTIONS = {
    "statistics": False, "context": False, "debounce_ms": 0, "speculate": "never",
    "alternatives": 1,
}  # fmt: skip


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Session:
    """A server with a scripted engine, and the client's end of its pipes."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine(["1", "\n"])
        self.server = create_server(
            Layer("test", OPTIONS), lambda *_, **__: self.engine
        )
        self.said: list[dict[str, Any]] = []
        self.server.protocol.set_writer(self)
        self.input = asyncio.StreamReader()
        self.pump = asyncio.create_task(stdio._pump(self.server, self.input))
        self._n_asked = 0

    def write(self, data: bytes) -> None:
        self.said.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...

    async def begins(self) -> None:
        capabilities: Any = {"processId": None, "capabilities": {}}
        await self.asks("initialize", capabilities)
        self.tells("initialized", {})

    def sends(self, body: bytes) -> None:
        self.input.feed_data(framed(body))

    def tells(self, method: str, params: Any, **fields: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params, **fields}
        self.sends(json.dumps(message).encode())

    async def asks(self, method: str, params: Any) -> Any:
        """Return the whole answer to a request."""
        self._n_asked += 1
        self.tells(method, params, id=self._n_asked)
        return await self.answer(self._n_asked)

    async def answer(self, id: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for one in self.said:
                    if "id" in one and one["id"] == id:
                        self.said.remove(one)
                        return one
                await asyncio.sleep(0.001)

    def opens(self, text: Any, uri: Any = URI, **fields: Any) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.tells("textDocument/didOpen", {"textDocument": {**item, **fields}})

    def changes(self, *changes: Any, version: Any = 2, uri: str = URI) -> None:
        identifier = {"uri": uri, "version": version}
        params = {"textDocument": identifier, "contentChanges": list(changes)}
        self.tells("textDocument/didChange", params)

    async def items(self, uri: str = URI) -> Any:
        """Return the items at the start of a document; None if there can be none."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": 0, "character": 0},
            "context": {"triggerKind": 1},
        }
        return (await self.asks("textDocument/inlineCompletion", params))["result"]

    async def text(self, uri: str = URI) -> str | None:
        """Return the server's text of a document; None if it is unknown."""
        await self.asks("workspace/executeCommand", {"command": "starcoder.explain"})
        document = self.server.documents.get(uri)
        return document.snapshot().text if document else None

    def messages(self) -> list[str]:
        return [
            one["params"]["message"]
            for one in self.said
            if one.get("method") == "window/showMessage"
        ]


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session()
    await session.begins()
    yield session
    session.pump.cancel()
    await session.server.close()


# --- every request has one answer -----------------------------------------------------


REQUESTS = [
    "initialize",
    "textDocument/inlineCompletion",
    "textDocument/completion",
    "starcoder/more",
    "workspace/executeCommand",
]
NOTIFICATIONS = [
    *IN_ORDER,
    *(name for name, _, _ in FEATURES if name not in REQUESTS),
    "exit",
    "$/cancelRequest",
    "$/setTrace",
    "window/workDoneProgress/cancel",
]


async def test_the_server_asks_for_notifications_of_documents_and_changes(
    session: Session,
) -> None:
    capabilities = session.server.server_capabilities
    sync = capabilities.text_document_sync
    assert isinstance(sync, types.TextDocumentSyncOptions)
    assert sync.open_close
    assert sync.change is types.TextDocumentSyncKind.Incremental
    assert sync.save == types.SaveOptions(include_text=True)
    assert capabilities.inline_completion_provider
    assert capabilities.workspace
    assert capabilities.workspace.workspace_folders


async def test_a_notification_with_an_id_is_refused(session: Session) -> None:
    for method in NOTIFICATIONS:
        answer = await session.asks(method, {"textDocument": {"uri": URI}})
        text = f"{method} is a notification, which has no id"
        assert answer["error"] == {"code": INVALID_REQUEST, "message": text}
    assert not session.server.stopped.done()


@pytest.mark.parametrize(
    "params",
    [None, [], "text", 7, {}, {"textDocument": None}, {"textDocument": {"uri": 7}},
     {"position": {"line": 0.5, "character": -1}, "textDocument": {"uri": URI}},
     {"context": {"triggerKind": 99}}, {"changes": [None, {"uri": 7}]},
     {"contentChanges": {}}, {"command": 7}, {"id": {}}, {"jsonrpc": "2.0"},
     {"notebookDocument": {"uri": "file:///n"}, "change": {"cells": {"structure": 7}}},
     {"event": {"added": [7], "removed": None}}, {"settings": {"starcoder": 7}}],
)  # fmt: skip
async def test_damaged_parameters_of_any_method_are_answered(
    session: Session, params: Any
) -> None:
    for method in (*REQUESTS, *NOTIFICATIONS):
        if method != "exit":
            session.tells(method, params)  # a notification has no answer
        answer = await session.asks(method, params)
        assert ("result" in answer) != ("error" in answer)
        assert answer.get("error", {}).get("code") != INTERNAL_ERROR, method
    assert await session.items(uri="untitled:closed") is None


@pytest.mark.parametrize(
    ("body", "id", "code"),
    [
        (b'{"jsonrpc":"2.0","id":"a","method":7}', "a", INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":"a","method":null}', "a", INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":"a"}', "a", INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":"a","method":"shutdown"}', "a", INVALID_REQUEST),
        (b'{"id":"a","method":"shutdown"}', "a", INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":"a","method":"shutdown","params":{"x":}}', "a", PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":"a","method":"x","params":' + b"[" * 100_000, "a", PARSE_ERROR),
        (b'{"jsonrpc":"2.0","method":"x","params":{"id":1,"y":}}', None, PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"x"}', None, PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"x"}', "\ud800", METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":-7,"method":"x"}', -7, METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":"%s","method":"x"}' % (b"i" * 100_000), "i" * 100_000, METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":1,"id":"a","method":"y","method":"x"}', "a", METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":"a","method":"x","params":[NaN,1e999]}', "a", METHOD_NOT_FOUND),
        ('{"jsonrpc":"2.0","id":"a","method":"x"}'.encode("utf-16"), None, PARSE_ERROR),
        (b"", None, PARSE_ERROR),
        (b"\0" * 1000, None, PARSE_ERROR),
    ],
)  # fmt: skip
async def test_an_error_has_the_id_of_the_message_if_it_is_readable(
    session: Session, body: bytes, id: Any, code: int
) -> None:
    session.sends(body)
    answer = await session.answer(id)
    assert answer["error"]["code"] == code


async def test_an_internal_error_is_a_sentence_without_a_traceback(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.server, "asks", None)
    session.opens("x")
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": 0, "character": 0},
        "context": {"triggerKind": 1},
    }
    answer = await session.asks("textDocument/inlineCompletion", params)
    text = "internal error (AttributeError); the log tells more"
    assert answer["error"] == {"code": INTERNAL_ERROR, "message": text}


@pytest.mark.parametrize(
    "answer",
    [
        {"result": None}, {"error": None}, {"error": {"code": "x"}}, {"result": [7]},
        {"error": {"code": 1, "message": "no"}}, {"result": {}},
    ],
)  # fmt: skip
async def test_an_unreadable_answer_counts_as_none(
    session: Session, answer: Any
) -> None:
    asked = asyncio.create_task(session.server.status.ask("Well?", "Yes"))
    await asyncio.sleep(0)
    (request,) = (one for one in session.said if "id" in one)
    body = {"jsonrpc": "2.0", "id": request["id"], **answer}
    session.sends(json.dumps(body).encode())
    assert await asyncio.wait_for(asked, PATIENCE_S) is None
    session.sends(json.dumps(body).encode())  # it comes twice
    assert await session.text("file:///none") is None


async def test_an_answer_with_an_error_of_null_is_an_answer(
    session: Session,
) -> None:
    asked = asyncio.create_task(session.server.status.ask("Well?", "Yes"))
    await asyncio.sleep(0)
    (request,) = (one for one in session.said if "id" in one)
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"title": "Yes"}}
    session.sends(json.dumps({**answer, "error": None}).encode())
    assert await asyncio.wait_for(asked, PATIENCE_S) == "Yes"


async def test_a_thousand_messages_in_one_write_have_a_thousand_answers(
    session: Session,
) -> None:
    bodies = [
        json.dumps({"jsonrpc": "2.0", "id": f"n{n}", "method": "x"}).encode()
        for n in range(1000)
    ]
    session.input.feed_data(b"".join(map(framed, bodies)))
    for n in range(1000):
        assert (await session.answer(f"n{n}"))["error"]["code"] == METHOD_NOT_FOUND


# --- documents stay the editor's ------------------------------------------------------


@pytest.mark.parametrize("language", [None, 7, ""])
async def test_a_document_without_a_language_gets_that_of_its_file(
    session: Session, language: Any
) -> None:
    session.opens("x = ", languageId=language)
    assert await session.text() == "x = "
    document = session.server.documents.get(URI)
    assert document is not None
    assert document.language == "python"
    assert await session.items()


@pytest.mark.parametrize("version", [None, "two", 2.0, 1, -5, 2**40, [], True])
async def test_a_change_is_applied_whatever_its_version(
    session: Session, version: Any
) -> None:
    session.opens("old")
    session.changes({"text": "new"}, version=version)
    assert await session.text() == "new"


FAR = 2**32 - 1


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((0, 1), (0, FAR), "a!\nde"),
        ((0, 0), (FAR, FAR), "!"),
        ((1.0, 0.0), (1.0, 1.0), "abc\n!e"),
        ((1, 1), (1, 0), "abc\n!e"),
        ((1, 2**70), (1, 2**70), "abc\nde!"),
    ],
)
async def test_positions_outside_the_text_mean_its_ends(
    session: Session, start: Any, end: Any, expected: str
) -> None:
    session.opens("abc\nde")
    session.changes(span(start, end, "!"))
    assert await session.text() == expected


def span(start: Any, end: Any, text: Any = "x", **fields: Any) -> Any:
    ends = [dict(zip(("line", "character"), at, strict=True)) for at in (start, end)]
    return {"range": dict(zip(("start", "end"), ends, strict=True)), "text": text, **fields}  # fmt: skip


@pytest.mark.parametrize(
    "damaged",
    [
        span((-1, 0), (0, 0)), span((0, 0.5), (0, 1)), span(("0", 0), (0, 1)),
        span((0, 0), (0, 1), None), {"range": {}, "text": "x"}, {}, None, 7,
        {"range": {"start": {"line": 0}, "end": None}, "text": "x"},
        span((0, 1e999), (0, 0)),
    ],
)  # fmt: skip
async def test_an_unreadable_change_disables_the_document_until_its_whole_text_is_known(
    session: Session, damaged: Any
) -> None:
    session.opens("abc")
    session.changes(span((0, 0), (0, 0)), damaged, span((0, 0), (0, 0)))
    assert await session.text() is None
    assert await session.items() is None
    (told,) = session.messages()
    assert "a change could not be read" in told
    assert "/project/a.py" in told
    session.changes(span((0, 0), (0, 0)), version=3)
    assert await session.text() is None
    session.changes({"text": "whole"}, span((0, 5), (0, 5), "!"), version=4)
    assert await session.text() == "whole!"
    assert await session.items()
    assert len(session.messages()) == 1


async def test_a_damaged_change_before_a_whole_text_does_no_harm(
    session: Session,
) -> None:
    session.opens("abc")
    session.changes(None, {"text": "whole"})
    assert await session.text() == "whole"
    assert session.messages() == []


async def test_a_lost_document_is_known_again_after_it_is_reopened(
    session: Session,
) -> None:
    session.opens(None)
    assert await session.text() is None
    session.opens("again")
    assert await session.text() == "again"


async def test_empty_changes_and_wrong_range_lengths_are_understood(
    session: Session,
) -> None:
    session.opens("abc")
    session.changes()
    session.changes(span((0, 0), (0, 1), "X", rangeLength=99))
    assert await session.text() == "Xbc"


@pytest.mark.parametrize("damage", [{"text": "other"}, None])
async def test_a_text_that_differs_from_the_saved_one_is_replaced(
    session: Session, damage: Any
) -> None:
    session.opens("x = ")
    session.changes(damage)
    session.tells("textDocument/didSave", {"textDocument": {"uri": URI}, "text": "y = "})  # fmt: skip
    assert await session.text() == "y = "
    session.tells("textDocument/didSave", {"textDocument": {"uri": URI}})
    assert await session.text() == "y = "


async def test_a_document_opened_twice_has_the_second_text(session: Session) -> None:
    session.opens("one")
    session.opens("two")
    session.changes(span((0, 3), (0, 3), "!"))
    assert await session.text() == "two!"


async def test_a_renamed_file_is_a_new_document(
    session: Session,
) -> None:
    other = "file:///project/b.rs"
    session.opens("x = ")
    await session.items()
    session.tells("textDocument/didClose", {"textDocument": {"uri": URI}})
    session.opens("x = ", uri=other, languageId="rust")
    assert await session.items(other)
    assert await session.items() is None
    assert len(session.engine.prompts) == 2


async def test_bytes_that_are_not_utf_8_are_replaced(session: Session) -> None:
    session.opens("old")
    change = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "a?b"}]}  # fmt: skip
    message = {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": change}
    session.sends(json.dumps(message).encode().replace(b"?", b"\xff"))
    assert await session.text() == "a\ufffdb"


async def test_lone_surrogates_are_text(session: Session) -> None:
    uri = "untitled:\ud800"
    session.opens("a\ud800", uri=uri)
    session.opens("x", uri="file:///\ud800/%ED%A0%80")
    assert await session.text(uri) == "a\ud800"
    assert await session.items(uri)


async def test_sixteen_thousand_edits_in_one_change_are_applied(
    session: Session,
) -> None:
    n = 16_000
    session.opens("foo = 1\n" * n)
    session.changes(*(span((i, 0), (i, 3), "quux") for i in reversed(range(n))))
    assert await session.text() == "quux = 1\n" * n


async def test_a_damaged_cell_loses_only_that_cell(session: Session) -> None:
    notebook, one, two = "file:///n.ipynb", "vscode-notebook-cell:/n#1", "vscode-notebook-cell:/n#2"  # fmt: skip
    items = [{"uri": uri, "languageId": "python", "version": 1, "text": "x"} for uri in (one, two)]  # fmt: skip
    cells = [{"kind": 2, "document": one}, {"kind": 2, "document": two}, None]
    session.tells(
        "notebookDocument/didOpen",
        {
            "notebookDocument": {"uri": notebook, "cells": cells},
            "cellTextDocuments": items,
        },
    )
    content = [
        {"document": {"uri": one, "version": None}, "changes": [{"text": "y"}]},
        {"document": {"uri": two, "version": 2}, "changes": [7]},
    ]
    session.tells(
        "notebookDocument/didChange",
        {
            "notebookDocument": {"uri": notebook},
            "change": {"cells": {"textContent": content}},
        },
    )
    assert await session.text(one) == "y"
    assert await session.text(two) is None


# --- what is no document ----------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "term:///bin/bash", "term://~//12:/bin/zsh", "output:tasks", "git:/a.py?HEAD",
        "gitfs:/a.py", "fugitive:///a/.git//0/a.py", "vscode-scm:git/scm0/input",
        "search-editor:results", "vscode-userdata:/settings.json", "debug:/a.py",
        "comment://x", "vscode-chat-code-block://x", "walkThrough:/x", "jdt://a/B.class",
        "jar:file:///a.jar!/B.java", "health://", "oil:///a", "data:text/plain,x",
        "GIT:/a.py", "vscode-notebook-cell:/n.ipynb#W0sZ2l0", "vscode-terminal:/1",
    ],
)  # fmt: skip
async def test_text_that_is_not_a_document_is_not_kept(
    session: Session, uri: str
) -> None:
    session.opens("SECRET = 1", uri=uri)
    session.changes({"text": "SECRET = 2"}, uri=uri)
    assert await session.text(uri) is None
    assert await session.items(uri) is None
    assert session.engine.prompts == []
    assert list(session.server.documents) == []


@pytest.mark.parametrize("scheme", DOCUMENT_SCHEMES)
async def test_documents_that_users_edit_are_kept(
    session: Session, scheme: str
) -> None:
    uri = f"{scheme}:/project/a.py" if scheme else "/project/a.py"
    session.opens("x = ", uri=uri)
    assert await session.items(uri)


@pytest.mark.parametrize(
    "uri", ["file://", "c:/a.py", "vscode-notebook-cell:/n.ipynb#X12sZmlsZQ"]
)
async def test_documents_with_unusual_names_are_kept(
    session: Session, uri: str
) -> None:
    session.opens("x = ", uri=uri)
    assert await session.items(uri)


async def test_cells_of_a_notebook_that_is_not_a_document_are_not_kept(
    session: Session,
) -> None:
    cell = "vscode-notebook-cell:/n.ipynb#ch1"
    item = {"uri": cell, "languageId": "python", "version": 1, "text": "x"}
    params = {
        "notebookDocument": {"uri": "git:/n.ipynb", "cells": [{"document": cell}]},
        "cellTextDocuments": [item],
    }
    session.tells("notebookDocument/didOpen", params)
    assert await session.text(cell) is None


# --- sizes --------------------------------------------------------------------------------


@pytest.fixture
def small_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit of messages to 300,000 bytes."""
    monkeypatch.setattr(framing, "MAX_MESSAGE_BYTES", 300_000)


LARGE = "x" * 400_000
FIRST = {"uri": URI, "languageId": "python", "version": 1, "text": LARGE}
LAST = {"text": LARGE, "version": 1, "languageId": "python", "uri": URI}


@pytest.mark.usefixtures("small_messages")
@pytest.mark.parametrize("item", [FIRST, LAST])
@pytest.mark.parametrize("ends_with_method", [False, True])
async def test_a_document_that_is_too_large_harms_no_other(
    session: Session, item: Any, ends_with_method: bool
) -> None:
    message = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}  # fmt: skip
    if ends_with_method:
        message = dict(reversed(message.items()))
    session.sends(json.dumps(message).encode())
    assert await session.items() is None
    assert [one for one in session.messages() if "too large" in one]
    session.opens("x = ")
    assert await session.items()


@pytest.mark.usefixtures("small_messages")
async def test_a_change_that_is_too_large_disables_its_document(
    session: Session,
) -> None:
    session.opens("x = ")
    session.changes({"text": LARGE})
    assert await session.items() is None
    session.changes({"text": "y = "})
    assert await session.items()


@pytest.mark.usefixtures("small_messages")
async def test_a_request_that_is_too_large_is_answered(session: Session) -> None:
    answer = await session.asks("workspace/executeCommand", {"arguments": [LARGE]})
    assert answer["error"]["code"] == INVALID_REQUEST


@pytest.mark.usefixtures("small_messages")
async def test_a_message_that_is_too_large_is_reported_once(session: Session) -> None:
    for _ in range(2):
        session.sends(b"\0" * 400_000)
    assert await session.text() is None
    (told,) = session.messages()
    assert "too large to be read" in told


async def test_a_header_without_end_hides_no_message(session: Session) -> None:
    session.input.feed_data(b"\0" * 3_000_000)
    session.opens("x = ")
    assert await session.items()


async def test_a_long_name_is_shortened_in_messages(session: Session) -> None:
    uri = "untitled:" + "u" * 100_000
    session.opens(None, uri=uri)
    session.tells("workspace/didChangeConfiguration", {"settings": {"starcoder": {"model": "m" * 100_000}}})  # fmt: skip
    assert await session.text(uri) is None
    assert session.messages()
    for one in session.said:
        assert len(json.dumps(one)) < 10_000


async def test_a_document_beyond_all_limits_is_not_kept(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starcoder_lsp.lsp import document_handlers

    monkeypatch.setattr(document_handlers, "MAX_CHARACTERS", 10)
    large = "x" * 11
    session.opens(large)
    assert await session.items() is None
    session.tells("textDocument/didSave", {"textDocument": {"uri": URI}, "text": large})
    assert await session.items() is None
    session.changes({"text": "x = "})
    assert await session.text() == "x = "
    assert await session.items()


async def test_a_document_that_grows_beyond_the_limit_is_dropped(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starcoder_lsp.lsp import server

    monkeypatch.setattr(server, "MAX_CHARACTERS", 10)
    session.opens("x = ")
    session.changes(span((0, 4), (0, 4), "y" * 10))
    assert await session.items() is None


async def test_sixty_thousand_objects_are_handled_as_data(session: Session) -> None:
    objects = [{"a": {"b": n}} for n in range(60_000)]
    session.tells("starcoder/cursorMoved", objects)
    session.tells("no/such/notification", objects)
    session.tells("workspace/didChangeConfiguration", {"settings": {"starcoder": {"jsonrpc": objects}}})  # fmt: skip
    answer = await session.asks("workspace/executeCommand", {"command": "starcoder.explain", "arguments": objects})  # fmt: skip
    assert "result" in answer
    session.opens("x = ")
    assert await session.items()


async def test_a_project_setting_may_be_called_jsonrpc(session: Session) -> None:
    settings = {"jsonrpc": "2.0", "enabled": False, "nested": {"jsonrpc": {}}}
    session.tells("workspace/didChangeConfiguration", {"settings": {"starcoder": settings}})  # fmt: skip
    session.opens("x = ")
    assert await session.items() is None


# --- the process ---------------------------------------------------------------------------


HELLO = framed(
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":'
    b'{"processId":null,"rootUri":null,"capabilities":{}}}'
) + framed(b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}')
SERVER = (sys.executable, "-P", "-m", "starcoder_lsp", "serve")


@pytest.mark.parametrize("ending", [framed(b'{"jsonrpc":"2.0","method":"exit"}'), b""])
def test_a_file_as_stdin_is_read_and_answered_to_its_end(
    tmp_path: Path, ending: bytes
) -> None:
    recorded = tmp_path / "in"
    recorded.write_bytes(HELLO + ending)
    with recorded.open("rb") as stdin:
        done = subprocess.run(
            SERVER, stdin=stdin, capture_output=True, timeout=PATIENCE_S, check=False
        )
    assert b'"id": 2' in done.stdout
    assert b"Traceback" not in done.stderr
    assert done.returncode == (0 if ending else 1)


@pytest.mark.parametrize("stdin", ["/dev/null"])
def test_an_empty_stdin_ends_the_server(stdin: str) -> None:
    descriptor = os.open(stdin, os.O_RDONLY)
    done = subprocess.run(
        SERVER, stdin=descriptor, capture_output=True, timeout=PATIENCE_S, check=False
    )
    os.close(descriptor)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_cause_an_error(tmp_path: Path, closed: str) -> None:
    recorded = tmp_path / "in"
    recorded.write_bytes(HELLO)
    with recorded.open("rb") as stdin:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *SERVER],
            stdin=stdin, capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert (b'"id": 2' in done.stdout) == (closed == "2>&-")


async def test_the_server_stops_reading_from_a_client_that_does_not_read() -> None:
    """Its requests wait in its own pipe, and get their answers when it reads again."""
    process = await asyncio.create_subprocess_exec(
        *SERVER, "--download", "never",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**16,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(HELLO.replace(b"shutdown", b"noMethod"))
    n_requests, long = 40, b"." * 500_000
    for n in range(n_requests):
        body = b'{"jsonrpc":"2.0","id":"n%d%s","method":"x"}' % (n, long)
        process.stdin.write(framed(body))
    async with asyncio.timeout(PATIENCE_S):
        while b"the editor reads nothing" not in await process.stderr.readline():
            pass
    answered = bytearray()
    async with asyncio.timeout(PATIENCE_S):
        while b'"id": "n%d.' % (n_requests - 1) not in answered[-600_000:]:
            answered += await process.stdout.read(2**16)
    assert all(b'"id": "n%d.' % n in answered for n in range(n_requests))
    process.kill()
    await process.communicate()


@pytest.mark.parametrize("closes_stdin", [False, True])
async def test_a_client_that_closes_its_pipes_ends_the_server(
    start_server: StartServer, closes_stdin: bool
) -> None:
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *SERVER,
        "--download",
        "never",
        stdin=asyncio.subprocess.PIPE,
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(write)
    assert process.stdin is not None
    process.stdin.write(HELLO)
    await asyncio.to_thread(os.read, read, 16)
    os.close(read)
    if closes_stdin:
        process.stdin.close()
    else:
        process.stdin.write(framed(b'{"jsonrpc":"2.0","id":3,"method":"x"}'))
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 1
    assert b"Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_the_server_like_exit(
    start_server: StartServer, number: signal.Signals
) -> None:
    # The server leaves a signal ignored that we ignore, as jobs in the background do.
    ours = signal.signal(number, signal.SIG_DFL)
    try:
        client = await start_server("--download", "never")
    finally:
        signal.signal(number, ours)
    await client.initialize()
    client.process.send_signal(number)
    assert await client.exit_status() == 128 + number
    assert b"Traceback" not in client.errors


async def test_a_server_continues_after_sigstop_and_sigcont(
    start_server: StartServer,
) -> None:
    client = await start_server("--download", "never")
    await client.initialize()
    client.process.send_signal(signal.SIGSTOP)
    request = client.begin("shutdown")[1]
    client.process.send_signal(signal.SIGCONT)
    assert "result" in await asyncio.wait_for(request, PATIENCE_S)


async def test_the_stderr_of_other_processes_stays_blocking(
    start_server: StartServer,
) -> None:
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *SERVER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=write,
    )
    client = Client(process)
    await client.initialize()
    assert os.get_blocking(write)
    assert await client.shutdown() == 0
    await client.close()
    os.close(read)
    os.close(write)


async def test_a_file_name_cannot_send_a_command_to_a_terminal(
    start_server: StartServer, tmp_path: Path
) -> None:
    project = tmp_path / "a\x1b]0;title\x07\u202e\n"
    project.mkdir()
    (project / ".starcoder.toml").write_text('no_such_key = 1\n"\\u001b[2J" = 1\n')
    client = await start_server("--download", "never")
    await client.initialize(rootUri=project.as_uri())
    shown = await client.until_notified("window/showMessage")
    assert r"a\x1b]0;title\x07\u202e\n/.starcoder.toml" in shown["message"]
    assert await client.shutdown() == 0
    for one in client.notifications:
        if "message" in (one.get("params") or {}):
            assert one["params"]["message"].isprintable()
    assert all(line.isprintable() for line in client.errors.decode().splitlines())


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"), ([], "utf-16"), (["utf-7"], "utf-16"), ([7], "utf-16"),
        ("utf-8", "utf-16"), (["utf-7", "utf-8"], "utf-8"), (["utf-32"], "utf-32"),
    ],
)  # fmt: skip
async def test_an_unknown_position_encoding_means_utf_16(
    offered: Any, chosen: str
) -> None:
    session = Session()
    general = {} if offered is None else {"positionEncodings": offered}
    params = {"processId": None, "capabilities": {"general": general}}
    answer = await session.asks("initialize", params)
    capabilities = answer["result"]["capabilities"]
    assert capabilities.get("positionEncoding", "utf-16") == chosen
    session.pump.cancel()
    await session.server.close()
