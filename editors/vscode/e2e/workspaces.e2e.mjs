// Folders that are not trusted, several folders, and notebooks, with the real server and the real SmolLM2-135M.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ownDirectories, PATIENT, recordedServer } from "./servers.mjs";
import { scratch, Window } from "./window.mjs";

const ADD = "def add(a, b):\n    return a + b\n\n\n";
const NOTEBOOK = JSON.stringify({
  cells: [
    { cell_type: "code", source: ADD, metadata: {}, outputs: [], execution_count: null },
    { cell_type: "code", source: "", metadata: {}, outputs: [], execution_count: null },
  ],
  metadata: { language_info: { name: "python" } },
  nbformat: 4,
  nbformat_minor: 5,
});
const OFF = "enabled = false\n";
let window, server;
afterEach(async () => window?.close());

async function open(more) {
  const data = scratch();
  server = recordedServer(data);
  window = await Window.open({
    data,
    settings: { "starcoder.server.path": server.program, ...PATIENT },
    env: ownDirectories(data),
    ...more,
  });
}

test("a folder that is not trusted sets nothing", async () => {
  const settings = '{ "starcoder.enabled": false, "starcoder.max_tokens": 7 }';
  await open({
    files: { "demo.py": ADD, ".starcoder.toml": OFF, ".vscode/settings.json": settings },
    isTrusted: false,
  });
  await window.openFile("demo.py");
  await window.eventually(() => window.status(), /ready/);
  const [{ params }] = server.received("initialize");
  assert.equal(params.initializationOptions.trusted, false);
  assert.equal(params.initializationOptions.max_tokens, undefined);
  await window.type("def multiply(a, b):");
  await window.eventually(() => window.ghost(), /return a \* b/);
});

test("each folder of a workspace has the settings of its own file", async () => {
  await open({
    files: {
      "on/yes.py": ADD,
      "off/no.py": ADD,
      "off/.starcoder.toml": OFF,
      "all.code-workspace": '{ "folders": [{ "path": "on" }, { "path": "off" }] }',
    },
    workspace: "all.code-workspace",
  });
  await window.openFile("no.py");
  await window.eventually(() => window.status(), /ready/);
  await window.type("def multiply(a, b):");
  await window.eventually(() => window.status(), /disabled/);
  assert.equal(await window.ghost(), "");
  await window.openFile("yes.py");
  await window.type("def subtract(a, b):");
  await window.eventually(() => window.ghost(), /return a - b/);
  assert.equal(server.received("initialize").length, 1);
});

test("a cell of a notebook gets suggestions, and the server has the other cells", async () => {
  await open({ files: { "book.ipynb": NOTEBOOK } });
  await window.quickOpen("book.ipynb");
  await window.page.waitForSelector(".notebookOverlay .cell.code .monaco-editor");
  await window.page.locator(".notebookOverlay .cell.code .monaco-editor").nth(1).click();
  await window.eventually(() => window.status(), /ready/);
  await window.type("def multiply(a, b):");
  await window.eventually(() => window.ghost(), /return a \* b/);
  assert.match(server.requests()[0].textDocument.uri, /^vscode-notebook-cell:/);
  const [opened] = server.received("notebookDocument/didOpen");
  assert.equal(opened.params.cellTextDocuments.length, 2);
});
