// The extension in VS Code, with the real server and the real SmolLM2-135M.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { ownDirectories, PATIENT, recordedServer } from "./servers.mjs";
import { scratch, Window } from "./window.mjs";

const ADD = "def add(a, b):\n    return a + b\n\n\n";
const STACK = `class Stack:
    """A list that is used from its end."""

    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def is_empty(self):
        return len(self.items) == 0

`;
const FILES = {
  "stack.py": STACK,
  "reject.py": ADD,
  "demo.py": ADD,
  "crlf.py": ADD.replaceAll("\n", "\r\n"),
  "emoji.py": "greeting = '\u{1F600}'\nprint(greeting)\n",
};
const HEAD = "def power(base, exponent):";
let window, server;

before(async () => {
  const data = scratch();
  server = recordedServer(data);
  window = await Window.open({
    data,
    files: FILES,
    settings: { "starcoder.server.path": server.program, ...PATIENT },
    env: ownDirectories(data),
  });
});
afterEach(() => window.calm());
after(() => window?.close());

test("the status bar shows that the server loads, then that it is ready", async () => {
  await window.openFile("demo.py");
  await window.eventually(() => window.status(), /smollm2-135m: ready/);
});

test("ghost text appears while one types, and is accepted by word and by Tab", async () => {
  await window.type("def multiply(a, b):");
  await window.eventually(() => window.ghost(), /return a \* b/);
  await window.press("Control+ArrowRight"); // the line end and the indentation
  await window.eventually(() => window.line(-1), "    ");
  await window.press("Control+ArrowRight");
  await window.eventually(() => window.line(-1), "    return");
  await window.eventually(() => window.ghost(), /a \* b/);
  await window.press("Tab");
  await window.eventually(() => window.line(-1), "    return a * b");
});

test("the server is told what was shown, accepted in part, and accepted", async () => {
  assert.ok(server.received("textDocument/didShowCompletion").length > 0);
  const parts = server.received("textDocument/didPartiallyAcceptCompletion");
  const lengths = parts.map((one) => one.params.acceptedLength);
  assert.deepEqual([lengths[0], lengths.length], ["\n    ".length, 2]);
  await window.eventually(() => server.commands().includes("starcoder.accepted"));
});

test("one undo takes back the accepted text, and only that", async () => {
  await window.press("Control+z");
  await window.eventually(() => window.line(-1), "    return");
  await window.press("Control+Shift+z");
  await window.eventually(() => window.line(-1), "    return a * b");
});

test("Escape rejects a suggestion, and the server is told", async () => {
  await window.press("Control+s");
  await window.openFile("reject.py");
  await window.type("def divide(a, b):");
  await window.eventually(() => window.ghost());
  await window.press("Escape");
  await window.eventually(() => window.ghost(), "");
  await window.eventually(() => server.received("starcoder/didRejectCompletion").length, 1);
  await window.revert();
});

test("an explicit request has several suggestions to choose from", async () => {
  await window.type(HEAD);
  await window.eventually(() => window.ghost());
  const before = server.requests().length;
  await window.run("Starcoder: Suggest Now");
  await window.eventually(() =>
    server
      .requests()
      .slice(before)
      .some((one) => one.context.triggerKind === 1),
  );
  const first = await window.eventually(() => window.ghost());
  await window.press("Alt+BracketRight");
  const other = await window.eventually(async () => {
    const ghost = await window.ghost();
    return ghost !== first && ghost;
  });
  await window.press("Alt+BracketLeft");
  await window.eventually(() => window.ghost(), first);
  assert.notEqual(first, other);
  await window.press("Control+Alt+ArrowRight");
  await window.eventually(async () => (await window.lines()).at(-1) !== HEAD);
  await window.revert();
});

test("a longer suggestion comes on request", async () => {
  await window.type("def modulo(a, b):");
  await window.eventually(() => window.ghost());
  await window.press("Alt+Enter");
  await window.eventually(() => server.received("starcoder/more").length, 1);
  await window.eventually(() => window.ghost());
  await window.revert();
});

test("ghost text goes on with a class", async () => {
  await window.openFile("stack.py");
  await window.type("    def pop(self):");
  await window.eventually(() => window.ghost(), /return self\.items\.pop\(\)/);
  await window.shot("vscode");
  await window.revert();
});

test("beside the popup a suggestion continues the selected entry", async () => {
  await window.openFile("demo.py");
  await window.press("Enter");
  await window.press("Home");
  await window.type("mult");
  await window.page.waitForSelector(".suggest-widget.visible .monaco-list-row");
  await window.eventually(() =>
    server.requests().some((one) => one.context.selectedCompletionInfo?.text === "multiply"),
  );
  await window.eventually(() => window.ghost(), /^iply/);
  await window.revert();
});

test("an accepted suggestion keeps the line ends of a file", async () => {
  await window.openFile("crlf.py");
  await window.type("def subtract(a, b):");
  await window.eventually(() => window.ghost(), /return a - b/);
  await window.press("Tab");
  await window.eventually(() => window.line(-1), /return a - b/);
  await window.press("Control+s");
  const file = path.join(window.folder, "crlf.py");
  await window.eventually(() => fs.readFileSync(file, "utf8").includes("a - b"));
  assert.ok(!/[^\r]\n/.test(fs.readFileSync(file, "utf8")));
});

test("a line with an emoji is completed at the cursor", async () => {
  await window.openFile("emoji.py");
  await window.page.keyboard.insertText("print('\u{1F44B}', ");
  await window.type("gree");
  await window.press("Escape"); // the popup
  await window.run("Starcoder: Suggest Now");
  await window.eventually(() => window.ghost(), /^ting/);
  await window.press("Tab");
  await window.eventually(() => window.line(-1), /print\('\u{1F44B}', greeting/u);
});

test("a new document without a file gets suggestions", async () => {
  await window.run("Create: New File...");
  await window.page.waitForSelector(
    '.quick-input-widget .monaco-list-row:has-text("Text File")',
  );
  await window.press("Enter");
  await window.page.waitForSelector('.tab.active:has-text("Untitled")');
  await window.focus();
  await window.type("for i in range(10):");
  await window.eventually(() =>
    server.requests().some((one) => one.textDocument.uri.startsWith("untitled:")),
  );
  await window.eventually(() => window.ghost());
});

test("the menu switches a language off and on again", async () => {
  await window.openFile("demo.py");
  const choose = async (label) => {
    await window.page.click('.statusbar-item[id*="starcoder.status"]');
    await window.page.click(`.quick-input-widget .monaco-list-row:has-text("${label}")`);
  };
  await choose("Disable for python");
  await window.eventually(() => window.status(), /off for python/);
  await window.focus();
  await window.press("Enter");
  await window.type("x = ");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await window.ghost(), "");
  await choose("Enable for python");
  await window.eventually(() => window.status(), /ready/);
});

test("the model picker shows sizes, licences, and what is on this machine", async () => {
  await window.run("Starcoder: Choose a Model");
  const rows = await window.eventually(async () => {
    const all = await window.rows();
    return all.length > 5 && all;
  });
  assert.match(rows[0], /smollm2-135m.*98 MB, on this machine.*Apache-2.0/);
  assert.ok(rows.some((row) => /starcoder2-3b.*1\.9 GB/.test(row)));
  await window.shot("vscode-models");
  await window.press("Escape");
});

test("the last suggestion is explained, and the statistics are a page", async () => {
  await window.run("Starcoder: Explain the Last Suggestion");
  await window.page.waitForSelector('.tab:has-text("How the last suggestion was made")');
  await window.run("Starcoder: Show Statistics");
  await window.page.waitForSelector('.tab:has-text("Starcoder statistics")');
  const page = window.page
    .frameLocator("iframe.webview >> nth=-1")
    .frameLocator("#active-frame");
  await page.locator("h1:has-text('Suggestions')").waitFor({ state: "attached" });
  await window.shot("vscode-statistics");
});

test("the first steps are a walkthrough", async () => {
  await window.run("Starcoder: First Steps");
  await window.page.waitForSelector('.getting-started-step:has-text("Choose a model")');
  await window.shot("vscode-first-steps");
});

test("no message has disturbed the user", async () => {
  assert.deepEqual(await window.messages(), []);
});
