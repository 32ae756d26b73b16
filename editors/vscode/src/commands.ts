/** The commands of the extension, by name. */
import * as vscode from "vscode";
import { download, output } from "./commandLine";
import { entries } from "./core/menu";
import { modelRows, modelsOf, terms, type Model } from "./core/models";
import { modelInUse } from "./core/status";
import { install } from "./installer";
import type { Options } from "./options";
import { showStatistics, type Explanation } from "./pages";
import type { Session } from "./session";
import type { Suggestions } from "./suggestions";

const PAUSE_MINUTES = 30;
const GUIDE =
  "https://github.com/starcoder-lsp/starcoder-lsp/blob/main/editors/vscode/README.md#install";
const ACCEPT_WORD = "editor.action.inlineSuggest.acceptNextWord";
const ACCEPT_LINE = "editor.action.inlineSuggest.acceptNextLine";
const TRIGGER = "editor.action.inlineSuggest.trigger";

/** Everything that commands work on. */
export interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly session: Session;
  readonly options: Options;
  readonly suggestions: Suggestions;
  readonly explanation: Explanation;
  readonly log: vscode.LogOutputChannel;
}

type Command = (parts: Parts) => unknown;

const COMMANDS: Readonly<Record<string, Command>> = {
  "starcoder.menu": openMenu,
  "starcoder.toggle": ({ options }) => options.toggle(),
  "starcoder.toggleLanguage": toggleLanguage,
  "starcoder.togglePause": togglePause,
  "starcoder.chooseModel": chooseModel,
  "starcoder.restartServer": ({ session }) => session.restart(),
  "starcoder.install": installServer,
  "starcoder.explainLast": explainLast,
  "starcoder.showStatistics": statistics,
  "starcoder.openSettings": ({ context }) => openSettings(`@ext:${context.extension.id}`),
  "starcoder.openServerPath": () => openSettings("starcoder.server.path"),
  "starcoder.openGuide": () => vscode.env.openExternal(vscode.Uri.parse(GUIDE)),
  "starcoder.showLog": ({ log }) => log.show(),
  "starcoder.openWalkthrough": openWalkthrough,
  "starcoder.trigger": () => vscode.commands.executeCommand(TRIGGER),
  "starcoder.longer": ({ suggestions }) => suggestions.longer(),
  "starcoder.acceptWord": ({ suggestions }) => suggestions.acceptPart(ACCEPT_WORD),
  "starcoder.acceptLine": ({ suggestions }) => suggestions.acceptPart(ACCEPT_LINE),
  "starcoder.dismiss": ({ suggestions }) => suggestions.dismiss(),
};

export function registerCommands(parts: Parts): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(COMMANDS).map(([name, command]) =>
      vscode.commands.registerCommand(name, () => attempt(command, parts)),
    ),
  );
}

/** Shows one sentence for a command that fails. */
async function attempt(command: Command, parts: Parts): Promise<void> {
  try {
    await command(parts);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    parts.log.error(text);
    void vscode.window.showErrorMessage(`Starcoder: ${text.split("\n")[0] ?? ""}`);
  }
}

async function openMenu({ session, options }: Parts): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const all = entries({
    server: session.state,
    isEnabled: options.isEnabled,
    hasWorkspace: options.hasWorkspace,
    language,
    disabledLanguages: options.disabledLanguages,
    isPaused: session.isPaused,
    model: modelInUse(session.report),
  });
  const chosen = await vscode.window.showQuickPick(all, { title: "Starcoder" });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

async function toggleLanguage({ options }: Parts): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  if (language !== undefined) {
    await options.toggleLanguage(language);
  }
}

async function togglePause({ session }: Parts): Promise<void> {
  const minutes = session.isPaused ? 0 : PAUSE_MINUTES;
  await ask(session, "starcoder.snooze", minutes);
  session.notePause(minutes);
}

async function explainLast({ session, explanation }: Parts): Promise<void> {
  await explanation.show(String(await ask(session, "starcoder.explain")));
}

async function statistics({ session }: Parts): Promise<void> {
  await showStatistics(programOf(session));
}

async function chooseModel({ session, options }: Parts): Promise<void> {
  const program = programOf(session);
  const rows = output(program, "models", "list", "--json").then((text) =>
    modelRows(modelsOf(text), modelInUse(session.report)),
  );
  const row = await vscode.window.showQuickPick(rows, {
    title: "Choose a model",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (row === undefined || !(await isAgreed(row.model))) {
    return;
  }
  if (!row.model.present && row.model.source !== null) {
    await download(program, row.model.name);
  }
  await options.chooseModel(row.model.name);
}

async function isAgreed(model: Model): Promise<boolean> {
  if (model.present || model.source === null) {
    return true;
  }
  const text = `Download ${model.name}?`;
  const options = { modal: true, detail: terms(model) };
  return (await vscode.window.showInformationMessage(text, options, "Download")) !== undefined;
}

async function installServer({ context, session }: Parts): Promise<void> {
  if (await install(context)) {
    await session.restart();
  }
}

async function openSettings(query: string): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openSettings", query);
}

async function openWalkthrough({ context }: Parts): Promise<void> {
  const walkthrough = `${context.extension.id}#firstSteps`;
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", walkthrough, false);
}

async function ask(session: Session, command: string, ...words: unknown[]): Promise<unknown> {
  const { running } = session;
  if (running === undefined) {
    throw new Error("the server is not running");
  }
  const params = { command, arguments: words };
  return running.sendRequest("workspace/executeCommand", params);
}

function programOf(session: Session): string {
  if (session.found === undefined) {
    throw new Error("the server was not found");
  }
  return session.found.command;
}
