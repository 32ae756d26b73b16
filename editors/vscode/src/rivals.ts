/** Tells the user once when another extension writes ghost text too. */
import * as vscode from "vscode";
import { newRivals } from "./core/rivals";

const TOLD = "toldRivals";
/** Other extensions start together with this one. */
const LOOK_AFTER_MS = 10_000;

export function watchRivals(context: vscode.ExtensionContext): vscode.Disposable {
  const timer = setTimeout(() => void look(context), LOOK_AFTER_MS);
  const listener = vscode.extensions.onDidChange(() => void look(context));
  return vscode.Disposable.from(listener, { dispose: () => clearTimeout(timer) });
}

async function look(context: vscode.ExtensionContext): Promise<void> {
  const told = context.globalState.get<string[]>(TOLD, []);
  const { ids, names } = newRivals(activeExtensions(), told);
  if (ids.length === 0) {
    return;
  }
  await context.globalState.update(TOLD, [...told, ...ids]);
  const text = `Starcoder: ${names.join(" and ")} also writes ghost text, and VS Code shows one suggestion at a time. You may want to disable one of the two here.`;
  const show = "Show extensions";
  if ((await vscode.window.showInformationMessage(text, show)) === show) {
    const query = ids.map((id) => `@id:${id}`).join(" ");
    await vscode.commands.executeCommand("workbench.extensions.search", query);
  }
}

/** What VS Code brings with it may be active without being used. */
function activeExtensions(): string[] {
  return vscode.extensions.all
    .filter((one) => one.isActive && !one.extensionPath.startsWith(vscode.env.appRoot))
    .map((one) => one.id);
}
