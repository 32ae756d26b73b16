import assert from "node:assert/strict";
import { test } from "node:test";
import { locate, type Places } from "../src/core/locate";

/** A machine with these programs. */
function machine(programs: string[], changes: Partial<Places> = {}): Places {
  return {
    setting: "",
    path: "/usr/local/bin:/usr/bin",
    home: "/home/me",
    own: "/storage/server",
    interpreter: undefined,
    workspaceFolders: ["/src/project"],
    isTrusted: true,
    isProgram: (file) => programs.includes(file),
    ...changes,
  };
}

function command(places: Places): string | undefined {
  const found = locate(places);
  return found.kind === "found" ? found.command : undefined;
}

const ALL = [
  "/usr/bin/starcoder-lsp",
  "/home/me/.local/bin/starcoder-lsp",
  "/src/project/.venv/bin/starcoder-lsp",
  "/storage/server/bin/starcoder-lsp",
];
const interpreter = "/src/project/.venv/bin/python";

test("the setting comes first, then the PATH, ~/.local/bin, the interpreter, our own", () => {
  const setting = "/opt/starcoder-lsp";
  assert.equal(command(machine([setting, ...ALL], { setting, interpreter })), setting);
  ALL.forEach((wanted, i) => {
    assert.equal(command(machine(ALL.slice(i), { interpreter })), wanted);
  });
});

test("a setting that names no program is not passed over in silence", () => {
  const setting = "/nowhere/starcoder-lsp";
  assert.deepEqual(locate(machine(ALL, { setting })), { kind: "missing", setting });
});

test("a setting may begin with ~, and is never relative", () => {
  const program = "/home/me/bin/starcoder-lsp";
  assert.equal(command(machine([program], { setting: "~/bin/starcoder-lsp" })), program);
  const relative = machine(["bin/starcoder-lsp"], { setting: "bin/starcoder-lsp" });
  assert.equal(command(relative), undefined);
});

test("an untrusted folder provides no program, by the PATH or as an interpreter", () => {
  const programs = ["/src/project/bin/starcoder-lsp", "/src/project/.venv/bin/starcoder-lsp"];
  const path = "/src/project/bin:/usr/bin";
  assert.equal(command(machine(programs, { path })), programs[0]);
  assert.equal(command(machine(programs, { path, interpreter, isTrusted: false })), undefined);
});

test("a relative folder of the PATH would be one of the workspace", () => {
  const programs = ["bin/starcoder-lsp", "starcoder-lsp"];
  assert.equal(command(machine(programs, { path: "bin::." })), undefined);
});
