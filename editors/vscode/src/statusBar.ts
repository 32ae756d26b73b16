/** The status bar item; a click opens the menu. */
import * as vscode from "vscode";
import { describe, type Facts, type Shown } from "./core/status";

const COLOURS: Partial<Readonly<Record<Shown["state"], string>>> = {
  error: "statusBarItem.errorBackground",
  warning: "statusBarItem.warningBackground",
};

export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;

  constructor() {
    this.item = vscode.window.createStatusBarItem(
      "starcoder.status",
      vscode.StatusBarAlignment.Right,
      100,
    );
    this.item.name = "Starcoder";
    this.item.command = "starcoder.menu";
    this.item.show();
  }

  show(facts: Facts): void {
    const { text, state, detail } = describe(facts);
    const colour = COLOURS[state];
    this.item.text = text;
    this.item.tooltip = detail;
    this.item.accessibilityInformation = { label: detail };
    this.item.backgroundColor =
      colour === undefined ? undefined : new vscode.ThemeColor(colour);
  }

  dispose(): void {
    this.item.dispose();
  }
}
