// A window of VS Code (code-server in a headless Chromium), driven by keys.
//
// CODE_SERVER and CHROMIUM are programs, EXTENSION is the packed extension, and SHOTS a
// folder for pictures.
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const { CODE_SERVER, CHROMIUM, EXTENSION, SHOTS } = process.env;
const GHOST = ".ghost-text-decoration, .ghost-text, .suggest-preview-text";
export const TIMEOUT_MS = 60_000;

const SETTINGS = {
  "chat.disableAIFeatures": true, // its box would take the typed text
  "editor.accessibilitySupport": "off",
  "files.autoSave": "off",
  "files.hotExit": "off",
  "security.workspace.trust.banner": "never",
  "security.workspace.trust.startupPrompt": "never",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
};

const windows = new Set();
process.once("SIGTERM", () => process.exit(1)); // when the tests are interrupted
process.once("exit", () => windows.forEach((one) => one.end()));

export class Window {
  // `files` are the texts of a workspace by name, of which `workspace` names several
  // folders; `settings` are the user's settings, and `data` is the folder for everything.
  static async open({ files, workspace, settings = {}, isTrusted = true, env = {}, data }) {
    const one = new Window();
    one.folder = path.join(data, "workspace");
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(one.folder, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
    }
    one.data = data;
    one.url = workspace
      ? `workspace=${path.join(one.folder, workspace)}`
      : `folder=${one.folder}`;
    const all = { ...SETTINGS, "security.workspace.trust.enabled": !isTrusted, ...settings };
    // Settings of a machine are not among those of a user when the window is remote.
    for (const folder of ["User", "Machine"]) {
      const file = path.join(data, "user", folder, "settings.json");
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, JSON.stringify(all));
    }
    await one.start(env, isTrusted);
    return one;
  }

  async start(env, isTrusted) {
    const flags = [
      ...["--user-data-dir", path.join(this.data, "user")],
      ...["--extensions-dir", path.join(this.data, "extensions")],
      ...["--config", path.join(this.data, "config.yaml")],
      ...["--auth", "none", "--disable-telemetry", "--disable-update-check"],
      ...["--disable-getting-started-override"],
      ...(isTrusted ? ["--disable-workspace-trust"] : []),
    ];
    const options = { env: { ...process.env, ...env }, stdio: "ignore" };
    execFileSync(CODE_SERVER, [...flags, "--install-extension", EXTENSION], options);
    const port = await freePort();
    this.program = spawn(CODE_SERVER, [...flags, "--bind-addr", `127.0.0.1:${port}`], {
      ...options,
      detached: true, // so that its children can be ended with it
    });
    windows.add(this);
    await this.eventually(() => fetch(`http://127.0.0.1:${port}/healthz`).then((r) => r.ok));
    const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    this.browser = await chromium.launch({ executablePath: CHROMIUM, args });
    const viewport = { width: 1100, height: 640 };
    this.page = await (await this.browser.newContext({ viewport })).newPage();
    this.page.setDefaultTimeout(TIMEOUT_MS);
    const url = `http://127.0.0.1:${port}/?${this.url}`;
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
    await this.page.waitForSelector(".statusbar-item");
  }

  async close() {
    await this.browser?.close();
    this.end();
    await new Promise((resolve) => setTimeout(resolve, 500));
    fs.rmSync(this.data, { recursive: true, force: true, maxRetries: 5 });
  }

  end() {
    if (this.program) {
      process.kill(-this.program.pid, "SIGTERM");
      this.program = undefined;
    }
    windows.delete(this);
  }

  // Waits until `look` gives something that is true, or equal to `wanted`; returns it.
  async eventually(look, wanted, ms = TIMEOUT_MS) {
    let seen;
    for (const end = Date.now() + ms; Date.now() < end;) {
      seen = await Promise.resolve(look()).catch((error) => error);
      if (wanted === undefined ? seen && !(seen instanceof Error) : same(seen, wanted)) {
        return seen;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await this.shot("failure").catch(() => undefined);
    throw new Error(`still ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
  }

  async openFile(name) {
    await this.quickOpen(name);
    await this.page.waitForSelector(".editor-instance .monaco-editor .view-line");
    await this.focus();
  }

  async quickOpen(name) {
    await this.page.waitForSelector(".explorer-folders-view .monaco-list-row");
    await this.page.keyboard.press("Control+p");
    await this.page.waitForSelector(".quick-input-widget input");
    await this.page.keyboard.type(name);
    await this.page.waitForSelector(
      `.quick-input-widget .monaco-list-row.focused:has-text("${name}")`,
    );
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector(`.tab.active:has-text("${path.basename(name)}")`);
  }

  async focus() {
    await this.page.click(".editor-instance .monaco-editor .view-lines");
    await this.page.keyboard.press("Control+End");
  }

  async run(title) {
    await this.page.keyboard.press("F1");
    await this.page.waitForSelector(".quick-input-widget input");
    await this.page.keyboard.type(title);
    await this.page.waitForSelector(
      `.quick-input-widget .monaco-list-row:has-text("${title}")`,
    );
    await this.page.keyboard.press("Enter");
  }

  // Gives a document its first text again: half functions would be the model's example.
  async revert() {
    await this.calm();
    await this.run("File: Revert File");
    await this.focus();
  }

  // Closes what may be open over the editor, so that one test does not fail another.
  async calm() {
    await this.press("Escape");
    await this.press("Escape");
  }

  type(text) {
    return this.page.keyboard.type(text, { delay: 40 });
  }

  press(keys) {
    return this.page.keyboard.press(keys);
  }

  async texts(selector) {
    const found = await this.page.$$eval(selector, (all) => all.map((one) => one.textContent));
    return found.map((text) => text.replaceAll("\u00a0", " "));
  }

  async ghost() {
    return (await this.texts(GHOST)).join("").trim();
  }

  async line(index) {
    return (await this.lines()).at(index);
  }

  // The lines of the editor, without ghost text.
  async lines() {
    return this.page.$$eval(
      ".editor-instance .view-line",
      (all, ghost) =>
        all
          .map((line) => {
            const copy = line.cloneNode(true);
            for (const one of copy.querySelectorAll(ghost)) {
              one.remove();
            }
            return [parseInt(line.style.top, 10), copy.textContent.replaceAll("\u00a0", " ")];
          })
          .sort(([one], [other]) => one - other)
          .map(([, text]) => text),
      GHOST,
    );
  }

  async status() {
    const item = await this.page.$('.statusbar-item[id*="starcoder.status"]');
    return (await item?.getAttribute("aria-label")) ?? "";
  }

  messages() {
    return this.texts(".notifications-toasts .notification-list-item-message");
  }

  rows() {
    return this.texts(".quick-input-widget .monaco-list-row .quick-input-list-entry");
  }

  shot(name) {
    return this.page.screenshot({ path: path.join(SHOTS ?? os.tmpdir(), `${name}.png`) });
  }
}

export function scratch() {
  return fs.mkdtempSync(path.join(os.tmpdir(), "starcoder-vscode-"));
}

function same(one, other) {
  return other instanceof RegExp ? other.test(String(one)) : String(one) === String(other);
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
