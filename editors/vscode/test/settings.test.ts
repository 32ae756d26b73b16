import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isRemoved, optionNames, toggled, writtenSettings } from "../src/core/settings";

const PACKAGE: unknown = JSON.parse(readFileSync("package.json", "utf8"));

test("the server gets its own options, not those of the extension", () => {
  const names = optionNames(PACKAGE);
  assert.ok(names.includes("debounce_ms"));
  assert.ok(!names.some((name) => name.startsWith("server.")));
});

test("only what the user has written is sent; a default would override settings files", () => {
  const inspected: Record<string, object> = {
    model: { defaultValue: "smollm2-135m", globalValue: "starcoder2-3b" },
    debounce_ms: { defaultValue: 40 },
    enabled: { defaultValue: true, globalValue: true, workspaceValue: false },
  };
  const names = Object.keys(inspected);
  assert.deepEqual(
    writtenSettings(names, (name) => inspected[name], true),
    { model: "starcoder2-3b", enabled: false },
  );
});

test("an untrusted folder sets nothing", () => {
  const inspect = () => ({ globalValue: 40, workspaceValue: 0 });
  assert.deepEqual(writtenSettings(["debounce_ms"], inspect, false), { debounce_ms: 40 });
});

test("a setting that is removed is noticed, one that changes or appears is not a removal", () => {
  assert.ok(isRemoved({ model: "a", threads: 2 }, { model: "a" }));
  assert.ok(!isRemoved({ model: "a" }, { model: "b", threads: 2 }));
});

test("a language is switched off, and on again", () => {
  assert.deepEqual(toggled(["rust"], "python"), ["python", "rust"]);
  assert.deepEqual(toggled(["python", "rust"], "python"), ["rust"]);
});
