#!/usr/bin/env node
// A language server with faults: `scripted.mjs RECORD FAULT --stdio`. The faults:
//
//   old      it says that it is version 0.1.0
//   exits    it ends at once, and writes a stack trace
//   crashes  it ends when it is asked for a suggestion
//   late     its first answer is empty, and its suggestion is ready a little later
//   silent   it never answers a request for a suggestion
import fs from "node:fs";

const [record, fault] = process.argv.slice(2);
const READY_AFTER_MS = 300;
let bytes = Buffer.alloc(0);
let version = 0;
let nRequests = 0;

if (fault === "exits") {
  process.stderr.write("Traceback (most recent call last):\n  boom\n");
  process.exit(1);
}

process.stdin.on("data", (chunk) => {
  bytes = Buffer.concat([bytes, chunk]);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    const size = Number(/Content-Length: (\d+)/i.exec(bytes.subarray(0, end))?.[1]);
    if (end < 0 || bytes.length < end + 4 + size) {
      return;
    }
    handle(JSON.parse(bytes.subarray(end + 4, end + 4 + size)));
    bytes = bytes.subarray(end + 4 + size);
  }
});
process.stdin.on("end", () => process.exit(0));

function handle(message) {
  fs.appendFileSync(record, JSON.stringify({ from: "editor", ...message }) + "\n");
  version = message.params?.textDocument?.version ?? version;
  switch (message.method) {
    case "initialize":
      return reply(message, {
        serverInfo: { name: "scripted", version: fault === "old" ? "0.1.0" : "0.2.0" },
        capabilities: { textDocumentSync: 1, inlineCompletionProvider: true },
      });
    case "initialized":
      return send({ method: "didChangeStatus", params: status("ready") });
    case "textDocument/inlineCompletion":
      return suggest(message);
    case "shutdown":
      return reply(message, null);
    case "exit":
      return process.exit(0);
  }
}

function suggest(message) {
  nRequests += 1;
  if (fault === "crashes") {
    process.exit(1);
  }
  if (fault === "silent") {
    return;
  }
  const { textDocument, position } = message.params;
  if (nRequests > 1) {
    const range = { start: position, end: position };
    return reply(message, { items: [{ insertText: "late suggestion", range }] });
  }
  reply(message, { items: [] });
  const params = { textDocument: { uri: textDocument.uri, version }, position };
  setTimeout(() => send({ method: "starcoder/suggestionReady", params }), READY_AFTER_MS);
}

function status(message) {
  return { busy: false, message, kind: "Normal" };
}

function reply({ id }, result) {
  send({ id, result });
}

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  process.stdout.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
