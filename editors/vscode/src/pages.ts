/** Shows longer texts: how a suggestion was made, and the statistics. */
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { output } from "./commandLine";
import { themed } from "./core/page";

const SCHEME = "starcoder";
const EXPLANATION = vscode.Uri.from({
  scheme: SCHEME,
  path: "/How the last suggestion was made",
});

/** A read-only document that is shown beside the user's own. */
export class Explanation implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration: vscode.Disposable;
  private text = "";

  readonly onDidChange = this.changed.event;

  constructor() {
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(text: string): Promise<void> {
    this.text = text;
    this.changed.fire(EXPLANATION);
    await vscode.window.showTextDocument(EXPLANATION, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: true,
    });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** Shows the page of statistics that the program writes; it has no scripts. */
export async function showStatistics(program: string): Promise<void> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "starcoder-"));
  try {
    const file = path.join(folder, "statistics.html");
    await output(program, "stats", "--html", file);
    const panel = vscode.window.createWebviewPanel(
      "starcoder.statistics",
      "Starcoder statistics",
      vscode.ViewColumn.Active,
      { enableScripts: false, localResourceRoots: [] },
    );
    panel.webview.html = themed(await fs.readFile(file, "utf8"));
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}
