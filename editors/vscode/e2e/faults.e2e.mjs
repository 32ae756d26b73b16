// The extension in VS Code, when something is wrong.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, test } from "node:test";
import { faultyServer } from "./servers.mjs";
import { scratch, Window } from "./window.mjs";

let window, server;
afterEach(async () => window?.close());

async function open(fault, more = {}) {
  const { settings, data = scratch(), ...rest } = more;
  server = faultyServer(data, fault);
  window = await Window.open({
    data,
    files: { "demo.py": "x = 1\n" },
    settings: { "starcoder.server.path": server.program, ...settings },
    ...rest,
  });
  await window.openFile("demo.py");
}

async function onlyMessage(wanted) {
  await window.eventually(() => window.messages(), wanted);
  assert.equal((await window.messages()).length, 1);
}

function buttons() {
  return window.texts(".notifications-toasts .monaco-button");
}

test("a missing server is one message with a button that offers ways to install", async () => {
  const home = scratch();
  const folders = process.env.PATH.split(path.delimiter);
  const PATH = folders
    .filter((one) => !fs.existsSync(path.join(one, "starcoder-lsp")))
    .join(":");
  await open("old", { settings: { "starcoder.server.path": "" }, env: { PATH, HOME: home } });
  await onlyMessage(/starcoder-lsp is not on this machine/);
  assert.match(await window.status(), /not on this machine/);
  await window.page.click('.notifications-toasts .monaco-button:has-text("Install…")');
  await window.eventually(async () => (await window.rows()).join(), /environment of its own/);
});

test("a setting that names no program is one message with a way to the setting", async () => {
  await open("old", { settings: { "starcoder.server.path": "/nowhere/starcoder-lsp" } });
  await onlyMessage(/"\/nowhere\/starcoder-lsp", which is no program/);
  await window.page.click('.notifications-toasts .monaco-button:has-text("Open the setting")');
  await window.page.waitForSelector(".settings-editor");
});

test("a server that is too old is one message", async () => {
  await open("old");
  await onlyMessage(/0\.1\.0.* too old: this extension needs 0\.2\.0/);
  assert.match((await buttons()).join(), /Install…/);
});

test("a program that is no language server is one message without a stack trace", async () => {
  await open("exits");
  await onlyMessage(/does not start as a language server/);
  assert.match((await buttons()).join(), /Show the log,Start again/);
});

test("a server that ends while it is used starts again, and after five ends stays off", async () => {
  await open("crashes");
  const starts = () => server.received("initialize").length;
  for (let n = 1; n <= 5; n += 1) {
    await window.eventually(() => window.status(), /ready/);
    assert.equal(starts(), n);
    assert.deepEqual(await window.messages(), []);
    await window.type("y");
    await window.eventually(() => window.status(), n < 5 ? /starting/ : /five times/);
  }
  await onlyMessage(/five times within three minutes/);
  await window.page.click('.notifications-toasts .monaco-button:has-text("Start again")');
  await window.eventually(starts, 6);
});

test("after an answer that was empty for lack of time the editor asks again", async () => {
  await open("late");
  await window.eventually(() => window.status(), /ready/);
  await window.type("y");
  await window.eventually(() => window.ghost(), "late suggestion");
  assert.deepEqual(
    server.requests().map((one) => one.context.triggerKind),
    [2, 2],
  );
});

test("a server that never answers disturbs nobody, even when the document is closed", async () => {
  await open("silent");
  await window.eventually(() => window.status(), /ready/);
  await window.type("y = 1");
  await window.press("Control+s");
  await window.run("View: Close Editor");
  await window.eventually(() => server.received("textDocument/didClose").length, 1);
  assert.deepEqual(await window.messages(), []);
});

test("with several cursors nothing is inserted that the user did not accept", async () => {
  await open("late");
  await window.eventually(() => window.status(), /ready/);
  await window.run("Add Cursor Above");
  await window.type("zz");
  await window.press("Escape");
  await window.press("Control+s");
  const file = path.join(window.folder, "demo.py");
  await window.eventually(() => fs.readFileSync(file, "utf8"), "zzx = 1\nzz");
});

test("what VS Code does not open as text is not sent, and a read-only file is left alone", async () => {
  const data = scratch();
  const folder = path.join(data, "workspace");
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "binary.py"), Buffer.from([0, 1, 2, 255, 0, 10]));
  fs.writeFileSync(path.join(folder, "huge.py"), "x = 1\n".repeat(10_000_000)); // 60 MB
  fs.writeFileSync(path.join(folder, "readonly.py"), "x = 1\n", { mode: 0o444 });
  await open("late", { data, settings: { "files.readonlyInclude": { "readonly.py": true } } });
  await window.eventually(() => window.status(), /ready/);
  for (const name of ["binary.py", "huge.py"]) {
    await window.page.dblclick(`.explorer-folders-view .monaco-list-row:has-text("${name}")`);
    await window.page.waitForSelector(`.tab.active:has-text("${name}")`);
  }
  await window.openFile("readonly.py");
  await window.type("y");
  await window.eventually(() => opened().includes("readonly.py"));
  assert.deepEqual(opened(), ["demo.py", "readonly.py"]);
  assert.deepEqual(server.requests(), []);
  assert.equal(await window.line(0), "x = 1");
});

function opened() {
  const all = server.received("textDocument/didOpen");
  return all.map((one) => path.basename(one.params.textDocument.uri));
}
