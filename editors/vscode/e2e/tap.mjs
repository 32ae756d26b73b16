#!/usr/bin/env node
// Records what an editor and a language server say: tap.mjs RECORD SERVER...
import { spawn } from "node:child_process";
import fs from "node:fs";

const [record, program, ...words] = process.argv.slice(2);
const server = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });

function listener(from) {
  let bytes = Buffer.alloc(0);
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n");
      const size = Number(/Content-Length: (\d+)/i.exec(bytes.subarray(0, end))?.[1]);
      if (end < 0 || bytes.length < end + 4 + size) {
        return;
      }
      const body = JSON.parse(bytes.subarray(end + 4, end + 4 + size));
      fs.appendFileSync(record, JSON.stringify({ from, ...body }) + "\n");
      bytes = bytes.subarray(end + 4 + size);
    }
  };
}

process.stdin.on("data", listener("editor")).pipe(server.stdin);
server.stdout.on("data", listener("server")).pipe(process.stdout);
server.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
