/** Says in the status bar how the server is. */

/** The server's `didChangeStatus`. */
export interface Report {
  readonly busy: boolean;
  readonly message: string;
  readonly kind: "Normal" | "Error" | "Warning" | "Inactive";
}

export type ServerState = "missing" | "starting" | "running" | "stopped" | "failed";

export interface Facts {
  readonly server: ServerState;
  /** Why the server is missing or has failed. */
  readonly trouble: string;
  readonly report: Report | undefined;
  /** Requests that are not answered yet. */
  readonly nOpenRequests: number;
  readonly isPaused: boolean;
  readonly isEnabled: boolean;
  /** The language of the active editor; undefined without an editor. */
  readonly language: string | undefined;
  readonly disabledLanguages: readonly string[];
}

export interface Shown {
  readonly text: string;
  readonly state: "off" | "loading" | "writing" | "ready" | "warning" | "error";
  /** One sentence for the tooltip and for screen readers. */
  readonly detail: string;
}

const NAME = "Starcoder";

export function describe(facts: Facts): Shown {
  switch (facts.server) {
    case "missing":
    case "failed":
      return shown("error", facts.trouble);
    case "stopped":
      return shown("off", "stopped");
    case "starting":
      return shown("loading", "starting");
    case "running":
      return ofServer(facts);
  }
}

function ofServer(facts: Facts): Shown {
  if (!facts.isEnabled) {
    return shown("off", "off in this workspace");
  }
  if (facts.language !== undefined && facts.disabledLanguages.includes(facts.language)) {
    return shown("off", `off for ${facts.language}`);
  }
  if (facts.isPaused) {
    return shown("off", "paused");
  }
  const report = facts.report ?? { busy: true, message: "starting", kind: "Normal" };
  switch (report.kind) {
    case "Error":
      return shown("error", report.message);
    case "Warning":
      return shown("warning", report.message);
    case "Inactive":
      return shown("off", report.message);
    case "Normal":
      if (report.busy) {
        return shown("loading", report.message);
      }
      return shown(facts.nOpenRequests > 0 ? "writing" : "ready", report.message);
  }
}

const ICONS: Readonly<Record<Shown["state"], string>> = {
  off: "$(circle-slash)",
  loading: "$(loading~spin)",
  writing: "$(sync~spin)",
  ready: "$(sparkle)",
  warning: "$(warning)",
  error: "$(error)",
};

function shown(state: Shown["state"], detail: string): Shown {
  const percent = state === "loading" ? /\d+ ?%/.exec(detail)?.[0] : undefined;
  const text = [ICONS[state], NAME, percent].filter(Boolean).join(" ");
  return { text, state, detail: `${NAME}: ${detail === "" ? state : detail}` };
}

/** Returns the model that a report is about; undefined if it is about something else. */
export function modelInUse(report: Report | undefined): string | undefined {
  return /^([\w.-]+): /.exec(report?.message ?? "")?.[1];
}
