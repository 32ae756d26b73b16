/** Installs the server in a terminal that the user sees. */
import * as vscode from "vscode";
import { installations, type Installation } from "./core/install";
import { findOnPath, ownEnvironment, pythonInterpreter } from "./programs";

const SHOWN = "This compiles llama.cpp, which takes about 5 minutes on 2 cores";

/** Lets the user choose a way to install; returns whether the server was installed. */
export async function install(context: vscode.ExtensionContext): Promise<boolean> {
  const ways = installations({
    uv: findOnPath("uv"),
    pipx: findOnPath("pipx"),
    python: (await pythonInterpreter()) ?? findOnPath("python3"),
    own: ownEnvironment(context),
  });
  if (ways.length === 0) {
    const text = "Starcoder: there is no uv, pipx or Python 3.11 to install the server with.";
    void vscode.window.showErrorMessage(text);
    return false;
  }
  const options = { title: "Install starcoder-lsp", placeHolder: SHOWN };
  const way = await vscode.window.showQuickPick(ways, options);
  return way !== undefined && (await runs(way));
}

async function runs(way: Installation): Promise<boolean> {
  const task = new vscode.Task(
    { type: "starcoder-install" },
    vscode.TaskScope.Global,
    `install starcoder-lsp with ${way.label}`,
    "Starcoder",
    new vscode.ProcessExecution(way.command, [...way.arguments]),
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, focus: true };
  const execution = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const listener = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution === execution) {
        listener.dispose();
        resolve(event.exitCode === 0);
      }
    });
  });
}
