"""Random messages of a client: most as the specification has them, some damaged."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzz import values
from fuzz.accounting import Message

URIS = (
    "file:///project/a.py", "file:///project/b.rs", "file:///project/%E4%B8%AD%20c.js",
    "untitled:Untitled-1", "vscode-notebook-cell:/project/n.ipynb#1", "git:/project/a.py",
    "", "a", "file://host/share/a.py", "file:///C%3A/a.py", "file:///a%00b", "://[",
)  # fmt: skip
NOTEBOOKS = ("file:///project/n.ipynb", "untitled:n.ipynb")
CELLS = tuple(f"vscode-notebook-cell:/project/n.ipynb#{n}" for n in range(4))
LANGUAGES = ("python", "rust", "javascript", "makefile", "plaintext", "", "no such one")
ENCODINGS = ("utf-8", "utf-16", "utf-32", "utf-7")
CODE = (
    *values.ALPHABET,
    "def f(n):\n",
    "    return ",
    "if x:",
    "x = 1\n",
    "}\n",
    "foo(",
)
COMMANDS = ("restart", "explain", "statistics", "snooze", "accepted", "none")
UNKNOWN = ("textDocument/hover", "$/setTrace", "$/unknown", "no/such", "", "exit now")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "enabled": (True, False, 1), "disabled_languages": ([], ["python"], "python"),
    "debounce_ms": (0, 40, 2000, 9999), "alternatives": (1, 3, 9),
    "multiline": ("auto", "never", "always", "x"), "skip_in": (["comments"], ["strings"]),
    "completion": ("always", "never"), "speculate": ("always", "never"),
    "max_tokens": (1, 96, 0), "log_level": ("error", "debug", "x"), "sampler": ("infill",),
    "disabled_rules": (["scope"], ["hidden_characters"], ["no rule"]), "model": ("x", ""),
    "layout": ("plain", "psm", "spm"), "context": (True,), "unknown": (None, 1),
    "hide_secrets": (True, False), "disabled_paths": (["*.rs"], [""]),
}  # fmt: skip


def initialize(random: Random) -> Message:
    encodings = random.sample(ENCODINGS, random.randint(0, 4))
    capabilities: Message = {
        "general": {"positionEncodings": encodings} if encodings else {},
        "window": {"workDoneProgress": random.random() < 0.5},
        "workspace": {
            "configuration": random.random() < 0.5,
            "workspaceFolders": True,
            "didChangeWatchedFiles": {"dynamicRegistration": random.random() < 0.5},
        },
    }
    return {
        "processId": random.choice((None, 1)),
        "rootUri": random.choice((None, "file:///project")),
        "capabilities": capabilities,
        "clientInfo": {"name": random.choice(("Neovim", "helix", "x"))},
        "initializationOptions": options(random),
    }


def options(random: Random) -> Any:
    names = random.sample(list(OPTIONS), random.randint(0, 3))
    chosen = {name: random.choice(OPTIONS[name]) for name in names}
    about_client: Message = random.choice(
        ({}, {"notifications": ["didChangeStatus", 7], "trusted": random.choice((False, "no"))})
    )  # fmt: skip
    return random.choice(
        (chosen | about_client, {"starcoder": chosen, **about_client}, None)
    )


def position(random: Random) -> Message:
    return {"line": values.number(random, 4), "character": values.number(random, 12)}


def range_(random: Random) -> Message:
    return {"start": position(random), "end": position(random)}


def code(random: Random) -> str:
    return values.text(random, 30, CODE)


def _document(random: Random) -> Message:
    return {"uri": random.choice(URIS)}


def _item(random: Random, uri: str) -> Message:
    language = random.choice(LANGUAGES)
    version = values.number(random)
    return {
        "uri": uri,
        "languageId": language,
        "version": version,
        "text": code(random),
    }


def _changes(random: Random) -> list[Message]:
    changes = []
    for _ in range(random.randint(0, 3)):
        change: Message = {"text": code(random)}
        if random.random() < 0.8:
            change["range"] = range_(random)
        changes.append(change)
    return changes


def did_open(random: Random) -> Message:
    return {"textDocument": _item(random, random.choice(URIS))}


def did_change(random: Random) -> Message:
    document = {**_document(random), "version": values.number(random, 100)}
    return {"textDocument": document, "contentChanges": _changes(random)}


def did_close(random: Random) -> Message:
    return {"textDocument": _document(random)}


def place(random: Random) -> Message:
    return {"textDocument": _document(random), "position": position(random)}


def inline(random: Random) -> Message:
    context: Message = {"triggerKind": random.choice((1, 2))}
    if random.random() < 0.2:
        selected = {"range": range_(random), "text": code(random)}
        context["selectedCompletionInfo"] = selected
    return {**place(random), "context": context}


def completion(random: Random) -> Message:
    return {**place(random), "context": {"triggerKind": random.choice((1, 2, 3))}}


def command(random: Random) -> Message:
    arguments = [values.json_value(random) for _ in range(random.randint(0, 2))]
    return {"command": f"starcoder.{random.choice(COMMANDS)}", "arguments": arguments}


def configuration(random: Random) -> Message:
    return {"settings": options(random)}


def folders(random: Random) -> Message:
    def some() -> list[Message]:
        chosen = random.choices(
            ("file:///project", "file:///", "x"), k=random.randint(0, 2)
        )
        return [{"uri": uri, "name": "n"} for uri in chosen]

    return {"event": {"added": some(), "removed": some()}}


def watched(random: Random) -> Message:
    uris = (*URIS, "file:///project/.gitignore")
    changes = [{"uri": random.choice(uris), "type": random.randint(1, 3)}]
    return {"changes": changes * random.randint(0, 2)}


def notebook_open(random: Random) -> Message:
    cells = random.sample(CELLS, random.randint(0, 4))
    return {
        "notebookDocument": {
            "uri": random.choice(NOTEBOOKS), "notebookType": "jupyter", "version": 1,
            "cells": [{"kind": 2, "document": cell} for cell in cells],
        },
        "cellTextDocuments": [_item(random, cell) for cell in cells],
    }  # fmt: skip


def notebook_change(random: Random) -> Message:
    cells = random.sample(CELLS, random.randint(0, 2))
    array = {
        "start": values.number(random, 3), "deleteCount": values.number(random, 2),
        "cells": [{"kind": 2, "document": cell} for cell in cells],
    }  # fmt: skip
    structure: Message = {
        "array": array,
        "didOpen": [_item(random, one) for one in cells],
    }
    content = [
        {
            "document": {"uri": random.choice(CELLS), "version": 2},
            "changes": _changes(random),
        }
    ]
    change = random.choice(
        (
            {"structure": structure},
            {"textContent": content},
            {"structure": structure, "textContent": content},
        )
    )
    document = {"uri": random.choice(NOTEBOOKS), "version": 2}
    return {"notebookDocument": document, "change": {"cells": change}}


def notebook_close(random: Random) -> Message:
    document = {"uri": random.choice(NOTEBOOKS)}
    return {"notebookDocument": document, "cellTextDocuments": []}


def shown(random: Random) -> Message:
    arguments = [str(random.randint(1, 9))]
    item = {
        "insertText": code(random),
        "command": {"command": "x", "arguments": arguments},
    }
    return {"item": item, "acceptedLength": values.number(random)}


def nothing(_random: Random) -> Message:
    return {}


# What a client says, how often in a hundred messages, and whether it is a request.
KINDS = (
    ("textDocument/didChange", did_change, 30, False),
    ("textDocument/inlineCompletion", inline, 25, True),
    ("textDocument/didOpen", did_open, 8, False),
    ("textDocument/completion", completion, 6, True),
    ("textDocument/didClose", did_close, 3, False),
    ("starcoder/more", place, 3, True),
    ("starcoder/cursorMoved", place, 3, False),
    ("textDocument/didFocus", did_close, 2, False),
    ("workspace/executeCommand", command, 3, True),
    ("workspace/didChangeConfiguration", configuration, 2, False),
    ("workspace/didChangeWorkspaceFolders", folders, 1, False),
    ("workspace/didChangeWatchedFiles", watched, 1, False),
    ("notebookDocument/didOpen", notebook_open, 2, False),
    ("notebookDocument/didChange", notebook_change, 2, False),
    ("notebookDocument/didClose", notebook_close, 1, False),
    ("textDocument/didShowCompletion", shown, 1, False),
    ("textDocument/didPartiallyAcceptCompletion", shown, 1, False),
    ("starcoder/didRejectCompletion", shown, 1, False),
    ("initialized", nothing, 1, False),
    ("initialize", initialize, 1, True),
)
WEIGHTS = [weight for _, _, weight, _ in KINDS]


class Client:
    """Makes one message after the other; ids may repeat, and cancels mostly hit."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._n_ids = 0

    def message(self, share_damaged: float) -> Any:
        random = self._random
        message = self._cancel() if random.random() < 0.08 else self._usual()
        if random.random() < share_damaged:
            return self._damaged(message)
        return {"jsonrpc": "2.0", **message}

    def next_id(self) -> int | str:
        random = self._random
        self._n_ids += random.random() > 0.02
        return str(self._n_ids) if random.random() < 0.1 else self._n_ids

    def _usual(self) -> Message:
        ((method, params, _, is_request),) = self._random.choices(KINDS, WEIGHTS)
        message = {"method": method, "params": params(self._random)}
        return {"id": self.next_id(), **message} if is_request else message

    def _cancel(self) -> Message:
        which = self._n_ids - self._random.choice((0, 0, 1, 2, 50))
        return {"method": "$/cancelRequest", "params": {"id": which}}

    def _damaged(self, message: Message) -> Any:
        random = self._random
        kind = random.randrange(8)
        if kind == 0:
            # A notification's method with an id, or a request's without.
            without = {key: value for key, value in message.items() if key != "id"}
            message = without if "id" in message else {"id": self.next_id(), **message}
        elif kind == 1:
            message = {**message, "method": random.choice((*UNKNOWN, *values.ODD))}
        elif kind == 2:
            message = {**message, "id": random.choice(values.ODD)}
        elif kind == 3:
            answer = random.choice(
                (
                    {"result": values.json_value(random)},
                    {"error": {"code": 1, "message": "x"}},
                )
            )
            return {"jsonrpc": "2.0", "id": values.number(random), **answer}
        elif kind == 4:
            return values.damaged_json(random, {"jsonrpc": "2.0", **message})
        else:
            params = values.damaged_json(random, message["params"])
            message = {**message, "params": params}
        return {"jsonrpc": "2.0", **message}
