"""What clients say beside the text counts: real index, scripted engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.context import Gathered, client
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Control, Cursor, Document, Group, Prompt
from starcoder_lsp.lsp import stdio
from starcoder_lsp.lsp.handlers import create_server
from starcoder_lsp.settings.resolve import Layer

OPTIONS = {"model": "starcoder2-3b", "statistics": False, "speculate": "never", "alternatives": 1}  # fmt: skip
PATIENCE_S = 60.0
FILES = {
    "util.py": "def scaled(values, factor):\n    return values\n",
    "lib/store.py": "class Store:\n    def put(self, key, value):\n        return key\n",
    "app.py": "from util import scaled\n\nthing = scaled([], 1)\nthing.pu",
}
END = {"line": 3, "character": 8}


class Session:
    """A server over a workspace folder, and the client's end of its pipes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = ScriptedEngine(["1", "\n"])
        self.server = create_server(
            Layer("test", OPTIONS), lambda *_, **__: self.engine
        )
        self.answers: dict[int, Any] = {}
        self.server.protocol.set_writer(self)
        self.input = asyncio.StreamReader()
        self.pump = asyncio.create_task(stdio._pump(self.server, self.input))

    def write(self, data: bytes) -> None:
        message = json.loads(data.partition(b"\r\n\r\n")[2])
        if "method" not in message:
            self.answers[message["id"]] = message

    def close(self) -> None: ...

    def sends(self, method: str, params: Any, **fields: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params, **fields}
        body = json.dumps(message).encode()
        self.input.feed_data(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def asks(self, method: str, params: Any) -> Any:
        id = len(self.answers) + 1
        self.sends(method, params, id=id)
        async with asyncio.timeout(PATIENCE_S):
            while id not in self.answers:
                await asyncio.sleep(0.001)
        return self.answers[id]["result"]

    async def begins(self, **capabilities: Any) -> Any:
        folder = {"uri": self.folder.as_uri(), "name": "project"}
        params = {"processId": None, "capabilities": capabilities, "workspaceFolders": [folder]}  # fmt: skip
        result = await self.asks("initialize", params)
        self.sends("initialized", {})
        return result["capabilities"]

    async def prompt_at(
        self, uri: str, position: dict[str, int], **context: Any
    ) -> Prompt:
        """Return the prompt of a suggestion here."""
        n_asked = len(self.engine.prompts)
        params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1, **context}}  # fmt: skip
        assert await self.asks("textDocument/inlineCompletion", params)
        assert len(self.engine.prompts) == n_asked + 1
        return self.engine.prompts[-1]

    async def until_gathered(self, uri: str, text: str, n_files: int) -> None:
        """Wait until all files are indexed and the document has its place among them."""
        cursor = Cursor(Document(text, uri, "python", 1), 0)
        n_indexed, gathered = 0, Gathered()
        async with asyncio.timeout(PATIENCE_S):
            while n_indexed < n_files or not gathered.repository:
                await asyncio.sleep(0.01)
                context = self.server.context
                n_indexed = (await context.statistics()).n_files
                gathered = await context.gather(cursor, 1000, range(len(text)))


@pytest.fixture
async def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Session]:
    # What a slow machine gathers too late would be missing.
    monkeypatch.setattr(client, "GATHER_MS", PATIENCE_S * 1000)
    folder = tmp_path / "project"
    folder.mkdir()
    session = Session(folder)
    yield session
    session.pump.cancel()
    await session.server.close()


def read(prompt: Prompt) -> str:
    """Return the whole prompt, with control tokens by their names."""
    pieces = []
    for item in prompt.segments:
        for part in item.segments if isinstance(item, Group) else (item,):
            pieces.append(part.token if isinstance(part, Control) else part.text)
    return "".join([*pieces, prompt.held_back])


async def test_the_definition_of_the_selected_popup_entry_is_in_the_prompt(
    session: Session,
) -> None:
    (session.folder / "lib").mkdir()
    for name, text in FILES.items():
        (session.folder / name).write_text(text)
    await session.begins()
    uri = (session.folder / "app.py").as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": FILES["app.py"]}  # fmt: skip
    session.sends("textDocument/didOpen", {"textDocument": document})
    await session.until_gathered(uri, FILES["app.py"], n_files=3)
    usual = read(await session.prompt_at(uri, {"line": 1, "character": 0}))
    assert "def scaled(values, factor)" in usual
    assert "def put" not in usual
    selected = {"range": {"start": {**END, "character": 6}, "end": END}, "text": "put(key)"}  # fmt: skip
    prompt = await session.prompt_at(uri, END, selectedCompletionInfo=selected)
    assert "def scaled(values, factor)" in read(prompt)
    assert "class Store:\n    def put(self, key, value):" in read(prompt)
    assert read(prompt).endswith("thing.put(key)")


class Notebook:
    """Return the parameters that open a notebook with cells `NAME: (language, text)`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.uri = (session.folder / "n.ipynb").as_uri()
        self.version = 1

    def cell_uri(self, name: str) -> str:
        return f"vscode-notebook-cell:{self.session.folder}/n.ipynb#{name}"

    def opens(self, cells: dict[str, tuple[str, str]]) -> None:
        notebook = {
            "uri": self.uri, "notebookType": "jupyter-notebook", "version": 1,
            "cells": [self._cell(name, *one) for name, one in cells.items()],
        }  # fmt: skip
        documents = [self._document(name, *one) for name, one in cells.items()]
        params = {"notebookDocument": notebook, "cellTextDocuments": documents}
        self.session.sends("notebookDocument/didOpen", params)

    def puts(self, at: int, n_removed: int, cells: dict[str, tuple[str, str]]) -> None:
        array = {
            "start": at, "deleteCount": n_removed,
            "cells": [self._cell(name, *one) for name, one in cells.items()],
        }  # fmt: skip
        documents = [self._document(name, *one) for name, one in cells.items()]
        self._changes({"structure": {"array": array, "didOpen": documents}})

    def writes(self, name: str, text: str) -> None:
        document = {"uri": self.cell_uri(name), "version": self.version + 1}
        change = {"document": document, "changes": [{"text": text}]}
        self._changes({"textContent": [change]})

    def _changes(self, cells: dict[str, Any]) -> None:
        self.version += 1
        notebook = {"uri": self.uri, "version": self.version}
        params = {"notebookDocument": notebook, "change": {"cells": cells}}
        self.session.sends("notebookDocument/didChange", params)

    def _cell(self, name: str, language: str, text: str) -> dict[str, Any]:
        kind = 1 if language == "markdown" else 2
        return {"kind": kind, "document": self.cell_uri(name)}

    def _document(self, name: str, language: str, text: str) -> dict[str, Any]:
        uri = self.cell_uri(name)
        return {"uri": uri, "languageId": language, "version": 1, "text": text}


async def test_a_cell_is_completed_as_part_of_its_notebook(session: Session) -> None:
    capabilities = await session.begins(
        notebookDocument={"synchronization": {"dynamicRegistration": True}}
    )
    assert capabilities["notebookDocumentSync"]["notebookSelector"]
    notebook = Notebook(session)
    notebook.opens(
        {
            "a": ("markdown", "# Sales"),
            "b": ("python", "import pandas\n"),
            "c": ("python", "y = "),
        }
    )
    uri, end = notebook.cell_uri("c"), {"line": 0, "character": 4}
    await session.until_gathered(uri, "y = ", n_files=0)
    assert read(await session.prompt_at(uri, end)) == (
        "<jupyter_start><jupyter_text># Sales<jupyter_code>import pandas\ny = "
    )
    notebook.puts(1, 1, {"d": ("python", "rows = load()"), "e": ("markdown", "Plot.")})
    notebook.writes("c", "z = ")
    notebook.writes("d", "rows = read()")
    assert read(await session.prompt_at(uri, end)) == (
        "<jupyter_start><jupyter_text># Sales"
        "<jupyter_code>rows = read()<jupyter_text>Plot.<jupyter_code>z = "
    )
    notebook.writes("c", "z = f()")
    assert read(await session.prompt_at(uri, end)) == (
        "<repo_name>project<file_sep>n.ipynb\n# # Sales\nrows = read()\n# Plot."
        "<file_sep><fim_prefix><fim_suffix>f()<fim_middle>n.ipynb\nz = "
    )


async def test_a_notebook_that_is_closed_has_no_cells_left(session: Session) -> None:
    await session.begins(notebookDocument={"synchronization": {}})
    notebook = Notebook(session)
    notebook.opens({"a": ("python", "x = 1"), "b": ("python", "y = ")})
    uri = notebook.cell_uri("b")
    await session.until_gathered(uri, "y = ", n_files=0)
    params = {"notebookDocument": {"uri": notebook.uri}, "cellTextDocuments": []}
    session.sends("notebookDocument/didClose", params)
    ask = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 4}, "context": {"triggerKind": 1}}  # fmt: skip
    assert await session.asks("textDocument/inlineCompletion", ask) is None
    assert list(session.server.documents) == []


async def test_a_file_without_indentation_gets_the_one_that_the_client_tells(
    session: Session,
) -> None:
    session.engine = ScriptedEngine(["\n    return", " 1"])
    await session.begins()
    uri = (session.folder / "new.py").as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "def f():"}
    session.sends("textDocument/didOpen", {"textDocument": document})

    async def text_with(**more: Any) -> str:
        ask = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 8}, "context": {"triggerKind": 1}}  # fmt: skip
        answer = await session.asks("textDocument/inlineCompletion", {**ask, **more})
        return str(answer["items"][0]["insertText"])

    two, tabs = ({"tabSize": 2, "insertSpaces": spaces} for spaces in (True, False))
    assert await text_with(formattingOptions="wide") == "\n    return 1"
    assert await text_with(formattingOptions=two) == "\n  return 1"
    assert await text_with(formattingOptions=tabs) == "\n\treturn 1"
    assert await text_with() == "\n\treturn 1"
    assert len(session.engine.prompts) == 3


async def test_a_client_that_sends_whole_texts_gets_no_second_closer(
    session: Session,
) -> None:
    session.engine = ScriptedEngine(["1)", "\n"])
    await session.begins()
    uri = (session.folder / "new.py").as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = (f\n"}
    session.sends("textDocument/didOpen", {"textDocument": document})
    changed = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "x = (f()\n"}]}  # fmt: skip
    session.sends("textDocument/didChange", changed)
    ask = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 7}, "context": {"triggerKind": 1}}  # fmt: skip
    (item,) = (await session.asks("textDocument/inlineCompletion", ask))["items"]
    assert (item["insertText"], item["range"]["end"]["character"]) == ("1)", 8)
