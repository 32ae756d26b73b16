/** Runs the server's program with other commands than `serve`. */
import { execFile, spawn } from "node:child_process";
import * as os from "node:os";
import * as readline from "node:readline";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { downloadOf } from "./core/models";

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Returns what the program prints; rejects if it fails. */
export async function output(program: string, ...words: string[]): Promise<string> {
  const options = { cwd: os.homedir(), timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES };
  return (await run(program, words, options)).stdout;
}

/** Downloads a model, with a progress bar; rejects with the reason if that fails. */
export async function download(program: string, model: string): Promise<void> {
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Starcoder: downloading ${model}`,
      cancellable: true,
    },
    (progress, token) => downloading(program, model, progress, token),
  );
}

async function downloading(
  program: string,
  model: string,
  progress: vscode.Progress<{ message: string; increment: number }>,
  token: vscode.CancellationToken,
): Promise<void> {
  const child = spawn(program, ["models", "get", model, "--json"], {
    cwd: os.homedir(),
    stdio: ["ignore", "pipe", "ignore"],
  });
  token.onCancellationRequested(() => child.kill());
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  let percent = 0;
  let trouble = "";
  readline.createInterface({ input: child.stdout }).on("line", (line) => {
    const { share, error } = downloadOf(line);
    trouble = error ?? trouble;
    if (share !== undefined) {
      const now = Math.floor(share * 100);
      progress.report({ message: `${now} %`, increment: now - percent });
      percent = now;
    }
  });
  if ((await ended) !== 0) {
    throw new Error(token.isCancellationRequested ? "the download was cancelled" : trouble);
  }
}
