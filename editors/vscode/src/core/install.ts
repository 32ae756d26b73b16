/** The ways to install the server, as commands that run in a terminal. */
import * as path from "node:path";

const PACKAGE = "starcoder-lsp";

export interface Installation {
  readonly label: string;
  readonly detail: string;
  readonly command: string;
  readonly arguments: readonly string[];
}

/** The programs on this machine that can install; undefined for one that is missing. */
export interface Tools {
  readonly uv: string | undefined;
  readonly pipx: string | undefined;
  readonly python: string | undefined;
  /** The folder for an environment of our own. */
  readonly own: string;
}

/** Returns the installations that are possible here, the best first. */
export function installations(tools: Tools): Installation[] {
  const ways: Installation[] = [];
  if (tools.uv !== undefined) {
    ways.push({
      label: "uv tool",
      detail: `uv tool install --upgrade ${PACKAGE}`,
      command: tools.uv,
      arguments: ["tool", "install", "--upgrade", PACKAGE],
    });
  }
  if (tools.pipx !== undefined) {
    ways.push({
      label: "pipx",
      detail: `pipx install --force ${PACKAGE}`,
      command: tools.pipx,
      arguments: ["install", "--force", PACKAGE],
    });
  }
  if (tools.python !== undefined) {
    ways.push(ownEnvironment(tools.python, tools.own));
  }
  return ways;
}

/** Many systems protect their Python, so pip gets an environment of its own. */
function ownEnvironment(python: string, own: string): Installation {
  const pip = path.join(own, "bin", "python");
  const script = '"$1" -m venv "$2" && "$3" -m pip install --upgrade "$4"';
  return {
    label: "pip, in an environment of its own",
    detail: `${python} -m venv ${own}, then pip install ${PACKAGE} there`,
    command: "/bin/sh",
    arguments: ["-c", script, "sh", python, own, pip, PACKAGE],
  };
}
