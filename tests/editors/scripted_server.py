"""A language server for tests of editors: it answers by the rules of a script.

Run as `scripted_server.py SCRIPT RECORD`. SCRIPT is a JSON object:

    encoding      position encoding to announce ("utf-8")
    experimental  experimental server capabilities ({})
    sync          how the client sends changes: 1 the whole text, 2 ranges of it (1)
    capabilities  more server capabilities, which replace others ({})
    results       the results of commands by name; of others it is null ({})
    answers       rules for textDocument/inlineCompletion; the first that matches
                  answers, and without one the result is null:
        after      matches if the line up to the cursor ends with this ("")
        trigger    matches this trigger kind only (any)
        items      the items of the answer, or null
        error      the error code of an answer without items
        is_held    answer only after `scripted.release` (false)
        is_deaf    answer even a cancelled request (false)

RECORD receives every message of the client, one JSON object per line.
Commands: `scripted.send` [method, params] makes the server send a notification, and
`scripted.ask` [method, params] a request; `scripted.release` answers the held requests;
`scripted.text` [uri] returns the text of a document; `scripted.crash` ends the process.
"""

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO, TextIO

Message = dict[str, Any]

REQUEST_CANCELLED = -32800
FULL_SYNC = 1
UNIT_CODECS = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


def read_message(stream: BinaryIO) -> Message | None:
    size_bytes = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size_bytes = int(value)
    if size_bytes == 0:
        return None
    message: Message = json.loads(stream.read(size_bytes))
    return message


def write_message(stream: BinaryIO, message: Message) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    stream.flush()


def text_before(text: str, position: dict[str, int], encoding: str) -> str:
    """Return the text of a line up to an LSP position.

    >>> text_before("'😀' x", {"line": 0, "character": 5}, "utf-16")
    "'😀' "
    """
    codec, unit_bytes = UNIT_CODECS[encoding]
    line = [*text.split("\n"), ""][position["line"]]
    head = line.encode(codec)[: position["character"] * unit_bytes]
    return head.decode(codec)


def offset_of(text: str, position: dict[str, int], encoding: str) -> int:
    """Return the offset of an LSP position in a text; one below the text is its end."""
    lines = text.split("\n")[: position["line"]]
    start = sum(len(line) + 1 for line in lines)
    if start > len(text):
        return len(text)
    return start + len(text_before(text, position, encoding))


def changed(text: str, change: Message, encoding: str) -> str:
    """Return the text after a change of a range of it, or of the whole.

    >>> end = {"line": 1, "character": 0}
    >>> change = {"range": {"start": {"line": 0, "character": 1}, "end": end}, "text": "x"}
    >>> changed("ab\\nc", change, "utf-8")
    'axc'
    """
    if "range" not in change:
        return str(change["text"])
    start, end = (
        offset_of(text, change["range"][side], encoding) for side in ("start", "end")
    )
    return text[:start] + str(change["text"]) + text[end:]


class ScriptedServer:
    """Answers one client until it says `exit` or hangs up."""

    def __init__(self, script: Message, output: BinaryIO, record: TextIO) -> None:
        self.encoding: str = script.get("encoding", "utf-8")
        self.experimental: Message = script.get("experimental", {})
        self.sync: int = script.get("sync", FULL_SYNC)
        self.more_capabilities: Message = script.get("capabilities", {})
        self.results: Message = script.get("results", {})
        self.rules: list[Message] = script.get("answers", [])
        self.output = output
        self.record = record
        self.texts: dict[str, str] = {}
        self.held: dict[int, Message] = {}

    def serve(self, stream: BinaryIO) -> None:
        while (message := read_message(stream)) is not None:
            self.record.write(json.dumps(message) + "\n")
            self.record.flush()
            if message.get("method") == "exit":
                return
            self.handle(
                message.get("method"), message.get("params"), message.get("id", -1)
            )

    def handle(self, method: str | None, params: Any, id: int) -> None:
        match method:
            case "initialize":
                self.reply(id, {"capabilities": self.capabilities()})
            case "textDocument/didOpen":
                document = params["textDocument"]
                self.texts[document["uri"]] = document["text"]
            case "textDocument/didChange":
                self.change(params["textDocument"]["uri"], params["contentChanges"])
            case "textDocument/inlineCompletion" | "starcoder/more":
                self.complete(params, id)
            case "$/cancelRequest":
                self.cancel(params["id"])
            case "workspace/executeCommand":
                self.reply(id, self.execute(params))
            case "shutdown":
                self.reply(id, None)

    def change(self, uri: str, changes: list[Message]) -> None:
        for change in changes:
            self.texts[uri] = changed(self.texts[uri], change, self.encoding)

    def capabilities(self) -> Message:
        return {
            "positionEncoding": self.encoding,
            "textDocumentSync": {"openClose": True, "change": self.sync},
            "inlineCompletionProvider": True,
            "executeCommandProvider": {
                "commands": ["scripted.send", "scripted.ask", "scripted.release"]
            },
            "experimental": self.experimental,
            **self.more_capabilities,
        }

    def complete(self, params: Message, id: int) -> None:
        rule = self.rule_for(params)
        if rule.get("is_held"):
            self.held[id] = rule
        else:
            self.answer(id, rule)

    def answer(self, id: int, rule: Message) -> None:
        if "error" in rule:
            self.fail(id, rule["error"])
        else:
            items = rule.get("items")
            self.reply(id, None if items is None else {"items": items})

    def cancel(self, id: int) -> None:
        if id in self.held and not self.held[id].get("is_deaf"):
            del self.held[id]
            self.fail(id, REQUEST_CANCELLED)

    def rule_for(self, params: Message) -> Message:
        text = self.texts[params["textDocument"]["uri"]]
        head = text_before(text, params["position"], self.encoding)
        trigger = params["context"]["triggerKind"]
        for rule in self.rules:
            is_for_trigger = rule.get("trigger", trigger) == trigger
            if is_for_trigger and head.endswith(rule.get("after", "")):
                return rule
        return {}

    def execute(self, params: Message) -> Any:
        match params["command"]:
            case "scripted.text":
                return self.texts.get(params["arguments"][0])
            case "scripted.send":
                method, sent_params = params["arguments"]
                write_message(self.output, {"method": method, "params": sent_params})
            case "scripted.ask":
                method, asked = params["arguments"]
                request = {"id": "question", "method": method, "params": asked}
                write_message(self.output, request)
            case "scripted.release":
                for id, rule in self.held.items():
                    self.answer(id, rule)
                self.held.clear()
            case "scripted.crash":
                sys.exit(3)
        return self.results.get(params["command"])

    def reply(self, id: int, result: Any) -> None:
        write_message(self.output, {"id": id, "result": result})

    def fail(self, id: int, code: int) -> None:
        error = {"code": code, "message": "an error of the script"}
        write_message(self.output, {"id": id, "error": error})


def main(arguments: list[str]) -> None:
    if "--version" in arguments:
        sys.stdout.write("scripted-server 1.0\n")
        return
    script_path, record_path = arguments
    script = json.loads(Path(script_path).read_text())
    with Path(record_path).open("a") as record:
        ScriptedServer(script, sys.stdout.buffer, record).serve(sys.stdin.buffer)


if __name__ == "__main__":
    main(sys.argv[1:])
