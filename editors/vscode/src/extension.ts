/** The extension: starts the server with the first document, and connects the parts. */
import * as vscode from "vscode";
import { SELECTOR } from "./client";
import { registerCommands } from "./commands";
import { SECTION } from "./core/settings";
import { Options } from "./options";
import { Explanation } from "./pages";
import { watchRivals } from "./rivals";
import { Session } from "./session";
import { StatusBar } from "./statusBar";
import { Suggestions } from "./suggestions";

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Starcoder", { log: true });
  const options = new Options(context.extension);
  const suggestions = new Suggestions();
  const explanation = new Explanation();
  const bar = new StatusBar();
  const mine = (session = new Session(context, options, suggestions, log));
  const parts = { context, session: mine, options, suggestions, explanation, log };
  const show = (): void => bar.show(facts(mine, options, suggestions));
  context.subscriptions.push(
    log,
    suggestions,
    explanation,
    bar,
    mine,
    registerCommands(parts),
    mine.onDidChange(show),
    suggestions.onDidChange(show),
    vscode.window.onDidChangeActiveTextEditor(show),
    vscode.workspace.onDidChangeConfiguration((event) => void changed(event, mine, show)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restartIfStarted(mine)),
    startWithFirstDocument(mine),
    watchRivals(context),
  );
  show();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

function facts(
  { state, trouble, report, isPaused }: Session,
  options: Options,
  { nOpenRequests }: Suggestions,
): Parameters<StatusBar["show"]>[0] {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const { isEnabled, disabledLanguages } = options;
  return {
    server: state,
    trouble,
    report,
    nOpenRequests,
    isPaused,
    isEnabled,
    language,
    disabledLanguages,
  };
}

async function changed(
  event: vscode.ConfigurationChangeEvent,
  session: Session,
  show: () => void,
): Promise<void> {
  if (event.affectsConfiguration(`${SECTION}.server`)) {
    await restartIfStarted(session);
  } else if (event.affectsConfiguration(SECTION)) {
    await session.sendSettings();
  }
  show();
}

/** Starts the server once there is text to complete: until then it would only use memory. */
function startWithFirstDocument(session: Session): vscode.Disposable {
  let isStarted = false;
  const start = (): void => {
    const editors = vscode.window.visibleTextEditors;
    if (
      !isStarted &&
      editors.some((one) => vscode.languages.match(SELECTOR, one.document) > 0)
    ) {
      isStarted = true;
      void session.restart();
    }
  };
  start();
  return vscode.window.onDidChangeVisibleTextEditors(start);
}

async function restartIfStarted(session: Session): Promise<void> {
  if (session.state !== "stopped") {
    await session.restart();
  }
}
