import assert from "node:assert/strict";
import { test } from "node:test";
import { installations } from "../src/core/install";
import { Restarts } from "../src/core/restarts";
import { newRivals } from "../src/core/rivals";
import { isAtLeast } from "../src/core/versions";

test("a development version of 0.2.0 is new enough, 0.1.9 and no version are not", () => {
  for (const version of ["0.2.0", "0.2.0.dev0", "0.2", "0.10.0", "1.0.0"]) {
    assert.ok(isAtLeast(version, "0.2.0"), version);
  }
  for (const version of ["0.1.9", "unknown", "", undefined]) {
    assert.ok(!isAtLeast(version, "0.2.0"), version);
  }
});

test("a server that ends starts again, later each time, and stays off after five ends", () => {
  const restarts = new Restarts();
  const delays = [0, 1, 2, 3, 4].map((second) => restarts.next(second * 1000));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, undefined]);
});

test("ends of more than three minutes ago do not count", () => {
  const restarts = new Restarts();
  const delays = [0, 1, 2, 3, 4].map((hour) => restarts.next(hour * 3_600_000));
  assert.deepEqual(delays, [1000, 1000, 1000, 1000, 1000]);
});

test("a start by the user begins anew", () => {
  const restarts = new Restarts();
  restarts.next(0);
  restarts.forgive();
  assert.equal(restarts.next(1), 1000);
});

test("uv comes before pipx, and pip gets an environment of its own", () => {
  const own = "/storage/server";
  const all = installations({ uv: "/bin/uv", pipx: "/bin/pipx", python: "/bin/python3", own });
  assert.deepEqual(
    all.map((way) => way.command),
    ["/bin/uv", "/bin/pipx", "/bin/sh"],
  );
  const [pip] = installations({ uv: undefined, pipx: undefined, python: "/bin/python3", own });
  assert.ok(pip?.arguments.includes("/storage/server/bin/python"));
});

test("without any tool there is no way to install", () => {
  const tools = { uv: undefined, pipx: undefined, python: undefined, own: "/x" };
  assert.deepEqual(installations(tools), []);
});

test("a rival is told of once", () => {
  const active = ["GitHub.copilot", "ms-python.python", "TabNine.tabnine-vscode"];
  const first = newRivals(active, []);
  assert.deepEqual(first.names, ["GitHub Copilot", "Tabnine"]);
  assert.deepEqual(newRivals(active, first.ids).names, []);
});
