/** Reads and writes the settings of the server that this window has. */
import * as vscode from "vscode";
import { optionNames, SECTION, toggled, writtenSettings } from "./core/settings";

export class Options {
  private readonly names: readonly string[];

  constructor(extension: vscode.Extension<unknown>) {
    this.names = optionNames(extension.packageJSON);
  }

  /** The settings that the user has written, by the server's names. */
  written(): Record<string, unknown> {
    const all = configuration();
    return writtenSettings(this.names, (name) => all.inspect(name), vscode.workspace.isTrusted);
  }

  /** Whether the workspace can have settings: a folder that is not trusted sets nothing. */
  get hasWorkspace(): boolean {
    return vscode.workspace.workspaceFolders !== undefined && vscode.workspace.isTrusted;
  }

  get serverPath(): string {
    return configuration().get("server.path", "");
  }

  get isEnabled(): boolean {
    return configuration().get("enabled", true);
  }

  get disabledLanguages(): readonly string[] {
    return configuration().get("disabled_languages", []);
  }

  async toggle(): Promise<void> {
    const { Workspace, Global } = vscode.ConfigurationTarget;
    await write("enabled", !this.isEnabled, this.hasWorkspace ? Workspace : Global);
  }

  async toggleLanguage(language: string): Promise<void> {
    const name = "disabled_languages";
    await write(name, toggled(this.disabledLanguages, language), whereWritten(name));
  }

  async chooseModel(model: string): Promise<void> {
    await write("model", model, whereWritten("model"));
  }
}

function configuration(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration(SECTION);
}

async function write(
  name: string,
  value: unknown,
  target: vscode.ConfigurationTarget,
): Promise<void> {
  await configuration().update(name, value, target);
}

/** A value in the workspace would hide one for the user. */
function whereWritten(name: string): vscode.ConfigurationTarget {
  return configuration().inspect(name)?.workspaceValue === undefined
    ? vscode.ConfigurationTarget.Global
    : vscode.ConfigurationTarget.Workspace;
}
