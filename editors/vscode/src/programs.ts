/** Finds programs on the machine that the extension runs on. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { locate, type Found, type Missing } from "./core/locate";

/** The part of the Python extension's interface that is used here. */
interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(): { readonly path: string };
    resolveEnvironment(
      environment: unknown,
    ): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

/** The folder of the environment that the extension installs the server into. */
export function ownEnvironment(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "server");
}

export async function findServer(
  context: vscode.ExtensionContext,
  setting: string,
): Promise<Found | Missing> {
  const places = {
    setting,
    path: process.env["PATH"] ?? "",
    home: os.homedir(),
    own: "",
    interpreter: undefined,
    workspaceFolders: (vscode.workspace.workspaceFolders ?? []).map((one) => one.uri.fsPath),
    isTrusted: vscode.workspace.isTrusted,
    isProgram,
  };
  const found = locate(places);
  if (found.kind === "found" || setting !== "") {
    return found;
  }
  // The Python extension may take seconds to start.
  const interpreter = places.isTrusted ? await pythonInterpreter() : undefined;
  return locate({ ...places, interpreter, own: ownEnvironment(context) });
}

/** Returns the first program of this name in the absolute folders of the PATH. */
export function findOnPath(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

/** Returns the interpreter that the user chose in the Python extension. */
export async function pythonInterpreter(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension>("ms-python.python");
  if (extension === undefined) {
    return undefined;
  }
  try {
    const { environments } = await extension.activate();
    const chosen = environments?.getActiveEnvironmentPath();
    return (await environments?.resolveEnvironment(chosen))?.executable.uri?.fsPath;
  } catch {
    return undefined; // its interface has changed, or it does not start
  }
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
