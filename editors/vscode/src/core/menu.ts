/** The entries of the menu that a click on the status bar opens. */
import type { ServerState } from "./status";

export interface MenuFacts {
  readonly server: ServerState;
  readonly isEnabled: boolean;
  /** A workspace that may have settings of its own. */
  readonly hasWorkspace: boolean;
  readonly language: string | undefined;
  readonly disabledLanguages: readonly string[];
  readonly isPaused: boolean;
  readonly model: string | undefined;
}

export interface Entry {
  readonly label: string;
  readonly description?: string;
  readonly command: string;
}

export function entries(facts: MenuFacts): Entry[] {
  return [...(facts.server === "running" ? running(facts) : repair(facts)), ...always()];
}

function running(facts: MenuFacts): Entry[] {
  const here = facts.hasWorkspace ? "in this workspace" : "everywhere";
  const all: Entry[] = [
    {
      label: `${facts.isEnabled ? "$(circle-slash) Disable" : "$(check) Enable"} ${here}`,
      command: "starcoder.toggle",
    },
  ];
  if (facts.language !== undefined) {
    const isOff = facts.disabledLanguages.includes(facts.language);
    const verb = isOff ? "$(check) Enable" : "$(circle-slash) Disable";
    all.push({ label: `${verb} for ${facts.language}`, command: "starcoder.toggleLanguage" });
  }
  const pause = facts.isPaused ? "$(bell) End the pause" : "$(bell-slash) Pause for 30 minutes";
  return [
    ...all,
    { label: pause, command: "starcoder.togglePause" },
    {
      label: "$(package) Choose a model",
      ...(facts.model === undefined ? {} : { description: facts.model }),
      command: "starcoder.chooseModel",
    },
    { label: "$(question) Explain the last suggestion", command: "starcoder.explainLast" },
    { label: "$(graph) Show statistics", command: "starcoder.showStatistics" },
    { label: "$(debug-restart) Restart the server", command: "starcoder.restartServer" },
  ];
}

function repair(facts: MenuFacts): Entry[] {
  const start = {
    label: "$(debug-start) Start the server",
    command: "starcoder.restartServer",
  };
  const install = {
    label: "$(cloud-download) Install the server",
    command: "starcoder.install",
  };
  return facts.server === "missing" ? [install, start] : [start];
}

function always(): Entry[] {
  return [
    { label: "$(gear) Open the settings", command: "starcoder.openSettings" },
    { label: "$(output) Show the log", command: "starcoder.showLog" },
    { label: "$(book) First steps", command: "starcoder.openWalkthrough" },
  ];
}
