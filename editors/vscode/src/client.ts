/** Makes the language client, which starts one process of the server. */
import * as os from "node:os";
import * as readline from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  type LanguageClientOptions,
  type Middleware,
} from "vscode-languageclient/node";
import { SECTION } from "./core/settings";

/** The schemes of documents that a user writes code in. */
const SCHEMES = [
  "file",
  "untitled",
  "vscode-notebook-cell",
  "vscode-interactive-input",
  "vscode-vfs",
  "vsls",
];
export const SELECTOR = SCHEMES.map((scheme) => ({ scheme }));

/** The server's notifications that this extension understands. */
export const STATUS = "didChangeStatus";
export const SUGGESTION_READY = "starcoder/suggestionReady";

/** A longer suggestion than usual; an extension of LSP. */
export const LONGER = "starcoder/more";
const SUGGESTION_REQUESTS = new Set(["textDocument/inlineCompletion", LONGER]);

/** Everything that a client depends on. */
export interface ClientOptions {
  readonly command: string;
  /** Returns the settings that the user has written. */
  readonly settings: () => Readonly<Record<string, unknown>>;
  readonly isTrusted: boolean;
  readonly log: vscode.LogOutputChannel;
  readonly provideInlineCompletionItems: NonNullable<
    Middleware["provideInlineCompletionItems"]
  >;
  readonly onEnd: () => void;
}

/** A client without message boxes of its own: the session shows one, with a button. */
export class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  override info(message: string, data?: unknown): void {
    super.info(message, data, false);
  }

  /** Returns whether the server understands one of its extensions of LSP. */
  understands(name: "events" | "cursor" | "more"): boolean {
    const experimental = this.initializeResult?.capabilities.experimental as
      { starcoder?: Record<string, unknown> } | undefined;
    return experimental?.starcoder?.[name] === true;
  }
}

export function createClient(options: ClientOptions): Client {
  const { command } = options;
  // A folder could hold files that a program looks for in its working directory.
  const run = { command, args: ["--stdio"], options: { cwd: os.homedir() } };
  return new Client(SECTION, "Starcoder", run, clientOptions(options));
}

function copyLines(input: Readable, log: vscode.LogOutputChannel): void {
  readline.createInterface({ input }).on("line", (line) => log.info(line));
}

function isSuggestionRequest(type: string | { readonly method: string }): boolean {
  return SUGGESTION_REQUESTS.has(typeof type === "string" ? type : type.method);
}

/** Adds the indentation of the active editor, for files that have none yet. */
function withFormatting<P>(params: P): P {
  const options = vscode.window.activeTextEditor?.options;
  if (options === undefined) {
    return params;
  }
  const { tabSize, insertSpaces } = options;
  return { ...params, formattingOptions: { tabSize, insertSpaces } };
}

function clientOptions(options: ClientOptions): LanguageClientOptions {
  return {
    documentSelector: SELECTOR,
    initializationOptions: {
      ...options.settings(),
      notifications: [STATUS, SUGGESTION_READY],
      trusted: options.isTrusted,
    },
    outputChannel: options.log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    // The server's lines have levels of their own.
    stdioOptions: { stdout: copyLines, stderr: copyLines },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        options.onEnd();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    middleware: {
      sendRequest: (type, params, token, next) =>
        next(type, isSuggestionRequest(type) ? withFormatting(params) : params, token),
      provideInlineCompletionItems: options.provideInlineCompletionItems,
      workspace: {
        // VS Code's own answer would hold all defaults.
        configuration: (params) => params.items.map(() => options.settings()),
      },
    },
  };
}
