// Programs for the setting starcoder.server.path, which record what the editor sends.
import fs from "node:fs";
import path from "node:path";

const { MODELS, SERVER } = process.env;
const HERE = import.meta.dirname;

// Settings for a machine that may be busy with other tests.
export const PATIENT = {
  "starcoder.time_budget_ms": 30000,
  "starcoder.latency_target_ms": 30000,
};

// The real server, with its traffic recorded.
export function recordedServer(folder) {
  return new Server(folder, "tap.mjs", SERVER);
}

// The server of scripted.mjs with one of its faults.
export function faultyServer(folder, fault) {
  return new Server(folder, "scripted.mjs", fault);
}

// Variables for a server with an index and statistics of its own, and the known models.
export function ownDirectories(folder) {
  const own = path.join(folder, "own");
  fs.mkdirSync(own);
  fs.symlinkSync(MODELS, path.join(own, "models"));
  return { STARCODER_LSP_DATA: own, STARCODER_LSP_CACHE: path.join(folder, "cache") };
}

class Server {
  constructor(folder, script, word) {
    this.record = path.join(folder, "record.jsonl");
    this.program = path.join(folder, "starcoder-lsp");
    fs.writeFileSync(this.record, "");
    const command = [process.execPath, path.join(HERE, script), this.record, word];
    const lines = [
      "#!/bin/sh",
      `[ "$1" = --stdio ] || exec "${SERVER}" "$@"`,
      `exec ${command.map((one) => `"${one}"`).join(" ")} "$@"`,
    ];
    fs.writeFileSync(this.program, lines.join("\n") + "\n", { mode: 0o755 });
  }

  // The messages of the editor with this method.
  received(method) {
    return this.messages().filter((one) => one.from === "editor" && one.method === method);
  }

  messages() {
    const lines = fs.readFileSync(this.record, "utf8").split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line)); // the last may be half written
  }

  commands() {
    return this.received("workspace/executeCommand").map((one) => one.params.command);
  }

  requests() {
    return this.received("textDocument/inlineCompletion").map((one) => one.params);
  }
}
