/** Keeps one server running for this window. */
import * as os from "node:os";
import * as vscode from "vscode";
import { createClient, STATUS, SUGGESTION_READY, type Client } from "./client";
import { PROGRAM, type Found, type Missing } from "./core/locate";
import { Restarts } from "./core/restarts";
import { isRemoved, isSame } from "./core/settings";
import type { Report, ServerState } from "./core/status";
import { isAtLeast, OLDEST_SERVER } from "./core/versions";
import type { Options } from "./options";
import { findServer } from "./programs";
import type { Suggestions } from "./suggestions";

const ANSWERS_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 3000;

/** A button of a message, and the command that it runs. */
type Buttons = Readonly<Record<string, string>>;

const RESTART = { "Start again": "starcoder.restartServer" };
const LOG = { "Show the log": "starcoder.showLog" };
const GUIDE = { "Open the guide": "starcoder.openGuide" };
const INSTALL = { "Install…": "starcoder.install" };

interface SuggestionReady {
  readonly textDocument: { readonly uri: string; readonly version: number };
  readonly position: { readonly line: number; readonly character: number };
}

export class Session implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly restarts = new Restarts();
  private client: Client | undefined;
  /** The settings that the server has. */
  private sent: Record<string, unknown> = {};
  private turn: Promise<void> = Promise.resolve();
  private restartTimer: NodeJS.Timeout | undefined;
  private pauseTimer: NodeJS.Timeout | undefined;
  private isDisposed = false;

  readonly onDidChange = this.changed.event;
  state: ServerState = "stopped";
  trouble = "";
  report: Report | undefined;
  /** The program of the server, once it was found. */
  found: Found | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly options: Options,
    private readonly suggestions: Suggestions,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get running(): Client | undefined {
    return this.state === "running" ? this.client : undefined;
  }

  get isPaused(): boolean {
    return this.pauseTimer !== undefined;
  }

  /** Notes that the server suggests nothing for so many minutes, unless it is asked to. */
  notePause(minutes: number): void {
    clearTimeout(this.pauseTimer);
    const end = (): void => this.notePause(0);
    this.pauseTimer = minutes > 0 ? setTimeout(end, minutes * 60_000) : undefined;
    this.changed.fire();
  }

  /** Starts the server, or starts it again, because the user or a setting asks for it. */
  restart(): Promise<void> {
    this.restarts.forgive();
    return this.inTurn(async () => {
      await this.stop();
      await this.start();
    });
  }

  /** Sends the settings that the user has written. */
  async sendSettings(): Promise<void> {
    const written = this.options.written();
    if (this.running === undefined || isSame(written, this.sent)) {
      return;
    }
    if (isRemoved(this.sent, written)) {
      await this.restart();
      return;
    }
    this.sent = written;
    const params = { settings: { starcoder: written } };
    await this.running.sendNotification("workspace/didChangeConfiguration", params);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work).catch((error: unknown) => this.log.error(String(error)));
    return this.turn;
  }

  private async start(): Promise<void> {
    if (this.isDisposed || this.client !== undefined) {
      return;
    }
    this.set("starting");
    this.notePause(0);
    const found = await findServer(this.context, this.options.serverPath);
    if (found.kind === "missing") {
      this.fail(...missing(found), "missing");
      return;
    }
    this.found = found;
    this.log.info(`${found.command}, found by ${found.by}`);
    const client = (this.client = this.newClient(found.command));
    try {
      await within(ANSWERS_WITHIN_MS, client.start());
    } catch (error) {
      this.startFailed(client, error);
      return;
    }
    await this.started(client, found);
  }

  private newClient(command: string): Client {
    this.sent = this.options.written();
    this.report = undefined;
    const client: Client = createClient({
      command,
      settings: () => this.options.written(),
      isTrusted: vscode.workspace.isTrusted,
      log: this.log,
      provideInlineCompletionItems: this.suggestions.provide,
      onEnd: () => this.ended(client),
    });
    client.onNotification(STATUS, (report: Report) => {
      this.report = report;
      this.changed.fire();
    });
    client.onNotification(SUGGESTION_READY, ({ textDocument, position }: SuggestionReady) =>
      this.suggestions.ready(
        client.protocol2CodeConverter.asUri(textDocument.uri).toString(),
        textDocument.version,
        client.protocol2CodeConverter.asPosition(position),
      ),
    );
    return client;
  }

  private async started(client: Client, found: Found): Promise<void> {
    const { version } = client.initializeResult?.serverInfo ?? {};
    if (!isAtLeast(version, OLDEST_SERVER)) {
      await this.stop();
      const text = `${found.command} is version ${version ?? "unknown"}, which is too old: this extension needs ${OLDEST_SERVER}`;
      this.fail(text, INSTALL, "failed");
      return;
    }
    this.suggestions.use(client);
    this.set("running");
    void this.sendSettings(); // they may have changed meanwhile
  }

  private startFailed(client: Client, error: unknown): void {
    if (this.client !== client) {
      return;
    }
    this.client = undefined;
    void client.dispose(STOPS_WITHIN_MS).catch(() => undefined);
    this.log.error(String(error));
    const text = `${this.found?.command ?? PROGRAM} does not start as a language server`;
    this.fail(text, { ...LOG, ...RESTART }, "failed");
  }

  /** The server has ended although nobody asked it to. */
  private ended(client: Client): void {
    if (this.client !== client || this.state !== "running") {
      return; // `start` reports a server that ends while it starts
    }
    this.client = undefined;
    this.suggestions.use(undefined);
    const delayMs = this.restarts.next(Date.now());
    if (delayMs === undefined) {
      const text = "the server ended five times within three minutes and stays off";
      this.fail(text, { ...LOG, ...RESTART }, "failed");
      return;
    }
    this.log.warn(`the server has ended; it starts again in ${delayMs / 1000} s`);
    this.set("starting");
    this.restartTimer = setTimeout(() => void this.inTurn(() => this.start()), delayMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.restartTimer);
    const { client } = this;
    this.client = undefined;
    this.suggestions.use(undefined);
    this.set("stopped");
    // A server that does not answer is killed then.
    await client?.dispose(STOPS_WITHIN_MS).catch(() => undefined);
  }

  private set(state: ServerState): void {
    this.state = state;
    this.changed.fire();
    void vscode.commands.executeCommand(
      "setContext",
      "starcoder.isRunning",
      state === "running",
    );
  }

  private fail(text: string, buttons: Buttons, state: "missing" | "failed"): void {
    this.trouble = text;
    this.set(state);
    void ask(`Starcoder: ${text}.`, buttons);
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.restartTimer);
    clearTimeout(this.pauseTimer);
    this.changed.dispose();
  }
}

function missing(found: Missing): [string, Buttons] {
  if (found.setting !== undefined) {
    const text = `the setting starcoder.server.path is "${found.setting}", which is no program on ${os.hostname()}`;
    return [text, { "Open the setting": "starcoder.openServerPath", ...INSTALL }];
  }
  if (process.platform === "win32") {
    return ["the server does not run on Windows; open the folder in WSL", GUIDE];
  }
  return [`the program ${PROGRAM} is not on this machine`, INSTALL];
}

async function ask(text: string, buttons: Buttons): Promise<void> {
  const chosen = await vscode.window.showErrorMessage(text, ...Object.keys(buttons));
  const command = chosen === undefined ? undefined : buttons[chosen];
  if (command !== undefined) {
    await vscode.commands.executeCommand(command);
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
