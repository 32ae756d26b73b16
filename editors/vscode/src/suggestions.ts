/** Follows the suggestions that the server makes: asks again, and tells what becomes of them. */
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import { LONGER, type Client } from "./client";
import { acceptedLength, isSamePlace, type Item, type Place } from "./core/suggestion";

/** VS Code draws an answer within this time, and tells nobody. */
const DRAWN_AFTER_MS = 60;
/** How long the cursor has to rest before the server is told, so that it reads ahead. */
const REST_MS = 200;
/** A request that we cause comes at once, or never. */
const CAUSED_WITHIN_MS = 1000;
/** A request of ours, and how it differs from one of the user's. */
type Caused = "automatic" | "longer";

interface Answer {
  readonly item: Item;
  readonly range: vscode.Range;
  readonly place: Place;
}

type Next = Parameters<NonNullable<Middleware["provideInlineCompletionItems"]>>[4];
type Longer = Parameters<Client["protocol2CodeConverter"]["asInlineCompletionResult"]>[0];
type Items = vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined;

export class Suggestions implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listeners: vscode.Disposable[];
  private client: Client | undefined;
  private answer: Answer | undefined;
  private caused: { readonly as: Caused; readonly atMs: number } | undefined;
  private rest: NodeJS.Timeout | undefined;

  /** Requests that are not answered yet. */
  nOpenRequests = 0;
  readonly onDidChange = this.changed.event;

  constructor() {
    this.listeners = [
      this.changed,
      vscode.window.onDidChangeTextEditorSelection((event) =>
        this.cursorMoved(event.textEditor),
      ),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.cursorMoved(editor)),
    ];
  }

  /** Uses another client; undefined while there is none. */
  use(client: Client | undefined): void {
    this.client = client;
    this.answer = undefined;
  }

  /** Handles a request of VS Code. */
  readonly provide = async (
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Next,
  ): Promise<Items> => {
    const caused = this.takeCaused();
    this.count(1);
    try {
      const items = await this.ask(caused, document, position, context, token, next);
      if (!token.isCancellationRequested) {
        this.received(items, document, position);
      }
      return items;
    } finally {
      this.count(-1);
    }
  };

  private async ask(
    caused: Caused | undefined,
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Next,
  ): Promise<Items> {
    const client = this.client;
    if (caused === "longer" && client?.understands("more") === true) {
      return this.askLonger(client, document, position, token);
    }
    const triggerKind =
      caused === "automatic"
        ? vscode.InlineCompletionTriggerKind.Automatic
        : context.triggerKind;
    return next(document, position, { ...context, triggerKind }, token);
  }

  private async askLonger(
    client: Client,
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<Items> {
    const { code2ProtocolConverter, protocol2CodeConverter } = client;
    const params = code2ProtocolConverter.asTextDocumentPositionParams(document, position);
    try {
      const result = await client.sendRequest<Longer>(LONGER, params, token);
      return await protocol2CodeConverter.asInlineCompletionResult(result, token);
    } catch {
      return null; // it was cancelled, or the server has ended
    }
  }

  /** Asks again at a place where the server has a suggestion now. */
  async ready(uri: string, version: number, position: vscode.Position): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const wanted = { uri, version, line: position.line, character: position.character };
    if (
      editor !== undefined &&
      this.isAutomatic(editor) &&
      isSamePlace(placeOf(editor), wanted)
    ) {
      await this.request("automatic");
    }
  }

  /** Asks for a longer suggestion than usual. */
  async longer(): Promise<void> {
    await this.request("longer");
  }

  private async request(as: Caused): Promise<void> {
    this.caused = { as, atMs: Date.now() };
    // With `explicit: false` VS Code keeps the empty answer that it has.
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
  }

  private takeCaused(): Caused | undefined {
    const { caused } = this;
    this.caused = undefined;
    return caused && Date.now() - caused.atMs < CAUSED_WITHIN_MS ? caused.as : undefined;
  }

  private isAutomatic(editor: vscode.TextEditor): boolean {
    const settings = vscode.workspace.getConfiguration("editor", editor.document);
    return settings.get("inlineSuggest.enabled", true);
  }

  private received(
    items: Items,
    document: vscode.TextDocument,
    position: vscode.Position,
  ): void {
    const all = Array.isArray(items) ? items : (items?.items ?? []);
    const first = all[0];
    if (first === undefined || typeof first.insertText !== "string") {
      this.answer = undefined;
      return;
    }
    const place = placeIn(document, position);
    const item = { insertText: first.insertText, command: first.command };
    const range = first.range ?? new vscode.Range(position, position);
    const answer = { item, range, place };
    this.answer = answer;
    setTimeout(() => this.drawn(answer), DRAWN_AFTER_MS);
  }

  private drawn(answer: Answer): void {
    if (this.answer === answer && isSamePlace(activePlace(), answer.place)) {
      this.tell("textDocument/didShowCompletion", { item: answer.item });
    }
  }

  /** Runs VS Code's command that accepts a part, and tells the server how much it was. */
  async acceptPart(command: string): Promise<void> {
    const { answer } = this;
    const before = answer && acceptedHere(answer);
    await vscode.commands.executeCommand(command);
    const after = answer && acceptedHere(answer);
    if (before !== undefined && after !== undefined && after > before) {
      const params = { item: answer?.item, acceptedLength: after };
      this.tell("textDocument/didPartiallyAcceptCompletion", params);
    }
  }

  /** Hides the suggestion, and tells the server that the user does not want it. */
  async dismiss(): Promise<void> {
    if (this.answer !== undefined && isSamePlace(activePlace(), this.answer.place)) {
      this.tell("starcoder/didRejectCompletion", { item: this.answer.item });
      this.answer = undefined;
    }
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  private cursorMoved(editor: vscode.TextEditor): void {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.cursorRests(editor), REST_MS);
  }

  private cursorRests(editor: vscode.TextEditor): void {
    const { client } = this;
    if (client?.understands("cursor") === true && editor === vscode.window.activeTextEditor) {
      const params = client.code2ProtocolConverter.asTextDocumentPositionParams(
        editor.document,
        editor.selection.active,
      );
      void client.sendNotification("starcoder/cursorMoved", params).catch(() => undefined);
    }
  }

  private tell(method: string, params: object): void {
    if (this.client?.understands("events") === true) {
      void this.client.sendNotification(method, params).catch(() => undefined);
    }
  }

  private count(step: 1 | -1): void {
    this.nOpenRequests += step;
    this.changed.fire();
  }

  dispose(): void {
    clearTimeout(this.rest);
    vscode.Disposable.from(...this.listeners).dispose();
  }
}

function placeIn(document: vscode.TextDocument, position: vscode.Position): Place {
  const { line, character } = position;
  return { uri: document.uri.toString(), version: document.version, line, character };
}

function placeOf(editor: vscode.TextEditor): Place {
  return placeIn(editor.document, editor.selection.active);
}

function activePlace(): Place | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && placeOf(editor);
}

/** Returns how much of the answer stands before the cursor; undefined if other text does. */
function acceptedHere({ item, range, place }: Answer): number | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || editor.document.uri.toString() !== place.uri) {
    return undefined;
  }
  const text = editor.document.getText(new vscode.Range(range.start, editor.selection.active));
  return acceptedLength(item, text);
}
