import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { entries, type MenuFacts } from "../src/core/menu";
import { downloadOf, modelRows, modelsOf, terms } from "../src/core/models";
import { themed } from "../src/core/page";
import { describe, modelInUse, type Facts, type Report } from "../src/core/status";

const FACTS: Facts = {
  server: "running",
  trouble: "",
  report: { busy: false, message: "smollm2-135m: ready", kind: "Normal" },
  nOpenRequests: 0,
  isPaused: false,
  isEnabled: true,
  language: "python",
  disabledLanguages: [],
};

function report(message: string, changes: Partial<Report> = {}): Partial<Facts> {
  return { report: { busy: false, message, kind: "Normal", ...changes } };
}

function seen(changes: Partial<Facts>): string {
  const { state, text, detail } = describe({ ...FACTS, ...changes });
  return `${state} | ${text} | ${detail}`;
}

test("the status bar names each state", () => {
  assert.equal(seen({}), "ready | $(sparkle) Starcoder | Starcoder: smollm2-135m: ready");
  assert.equal(
    seen(report("smollm2-135m: loading 43%", { busy: true })),
    "loading | $(loading~spin) Starcoder 43% | Starcoder: smollm2-135m: loading 43%",
  );
  assert.match(seen({ nOpenRequests: 2 }), /^writing /);
  assert.match(seen(report("no memory", { kind: "Error" })), /^error .* no memory$/);
  assert.match(seen(report("crashed", { kind: "Warning" })), /^warning .* crashed$/);
  assert.match(seen({ server: "starting", report: undefined }), /^loading /);
  assert.match(seen({ server: "missing", trouble: "not here" }), /^error .* not here$/);
  assert.match(seen({ server: "stopped" }), /^off /);
});

test("the status bar says for what suggestions are off", () => {
  assert.match(seen({ isEnabled: false }), /^off .* in this workspace$/);
  assert.match(seen({ disabledLanguages: ["python"] }), /^off .* off for python$/);
  assert.match(seen({ isPaused: true }), /^off .* paused$/);
  assert.match(seen(report("too large", { kind: "Inactive" })), /^off .* too large$/);
});

test("the status tells which model is in use, whatever file chose it", () => {
  assert.equal(modelInUse(FACTS.report), "smollm2-135m");
  assert.equal(modelInUse({ busy: false, message: "snoozing", kind: "Inactive" }), undefined);
  assert.equal(modelInUse(undefined), undefined);
});

const MENU: MenuFacts = {
  server: "running",
  isEnabled: true,
  hasWorkspace: true,
  language: "python",
  disabledLanguages: [],
  isPaused: false,
  model: "smollm2-135m",
};

function labels(changes: Partial<MenuFacts>): string {
  return entries({ ...MENU, ...changes })
    .map((entry) => entry.label.replace(/^\$\([\w-]+\) /, ""))
    .join(", ");
}

test("the menu offers the opposite of what is", () => {
  assert.match(labels({}), /^Disable in this workspace, Disable for python, Pause for 30/);
  assert.match(
    labels({ isEnabled: false, disabledLanguages: ["python"], isPaused: true }),
    /^Enable in this workspace, Enable for python, End the pause/,
  );
  assert.match(
    labels({ hasWorkspace: false, language: undefined }),
    /^Disable everywhere, Pause/,
  );
});

test("without a server the menu offers to install or start it, the settings and the log", () => {
  assert.match(
    labels({ server: "missing" }),
    /^Install the server, Start the server, Open the/,
  );
  assert.match(
    labels({ server: "failed" }),
    /^Start the server, Open the settings, Show the log/,
  );
});

test("each entry of the menu is a command of the extension", () => {
  const { contributes } = JSON.parse(readFileSync("package.json", "utf8"));
  const known = contributes.commands.map((one: { command: string }) => one.command);
  for (const server of ["running", "missing", "failed"] as const) {
    for (const { command } of entries({ ...MENU, server })) {
      assert.ok(known.includes(command), command);
    }
  }
});

const LIST = `{"name": "starcoder2-3b", "present": false, "size_bytes": 1900000000, "license": "bigcode-openrail-m", "source": "a/b", "kind": "completion", "title": "StarCoder2 3B"}
{"name": "smollm2-135m", "present": true, "size_bytes": 98362432, "license": "Apache-2.0", "source": "c"}
{"name": "own", "present": false, "size_bytes": 0, "license": "MIT", "source": null}
{"name": "editor", "present": true, "kind": "edit", "size_bytes": 1, "license": "MIT", "source": "d"}
not a line of JSON
`;

test("the model picker has sizes, and first what is on this machine", () => {
  const rows = modelRows(modelsOf(LIST), "smollm2-135m");
  assert.deepEqual(
    rows.map((row) => `${row.label}: ${row.description}; ${row.detail}`),
    [
      "$(check) smollm2-135m: 98 MB, on this machine; Apache-2.0",
      "$(blank) starcoder2-3b: 1.9 GB; StarCoder2 3B, bigcode-openrail-m",
      "$(blank) own: ; MIT, needs a file of your own",
    ],
  );
});

test("before a download the user learns its size, its source and what the licence forbids", () => {
  const [model] = modelsOf(LIST);
  assert.ok(model);
  assert.equal(terms(model), "1.9 GB from a/b. Its licence is bigcode-openrail-m.");
  assert.match(
    terms({ ...model, license_name: "OpenRAIL-M", restrictions: "no malware" }),
    /licence is OpenRAIL-M\. It restricts the use: no malware\.$/,
  );
});

test("a line of a download is a share, a path, an error, or nothing", () => {
  assert.equal(downloadOf('{"share": 0.25}').share, 0.25);
  assert.equal(downloadOf('{"error": "no network"}').error, "no network");
  assert.deepEqual(downloadOf("Traceback"), {});
});

test("the page of statistics gets a policy that forbids scripts, and the theme's colours", () => {
  const page = themed("<html><head><style>body {}</style></head><body>$&</body></html>");
  assert.match(
    page,
    /^<html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'/,
  );
  assert.ok(page.indexOf("--vscode-foreground") > page.indexOf("body {}"));
  assert.ok(page.endsWith("<body>$&</body></html>"));
});
