/** Finds the program of the server. */
import * as path from "node:path";

export const PROGRAM = "starcoder-lsp";

/** A program, and how it was found, in words that complete "found by ...". */
export interface Found {
  readonly kind: "found";
  readonly command: string;
  readonly by: string;
}

/** No program; `setting` is the path of the setting if that is what is wrong. */
export interface Missing {
  readonly kind: "missing";
  readonly setting?: string;
}

/** Everything that the search depends on. */
export interface Places {
  /** The setting `starcoder.server.path`; empty if it is not set. */
  readonly setting: string;
  /** The variable PATH. */
  readonly path: string;
  readonly home: string;
  /** The folder of an installation that this extension has made. */
  readonly own: string;
  /** The Python of the Python extension; undefined without that extension. */
  readonly interpreter: string | undefined;
  readonly workspaceFolders: readonly string[];
  readonly isTrusted: boolean;
  readonly isProgram: (file: string) => boolean;
}

/**
 * Returns the first program of: the setting, the PATH, where pipx and uv install, the
 * interpreter of the Python extension, and the extension's own installation.
 *
 * An untrusted folder never provides the program, and the PATH names it only absolutely.
 */
export function locate(places: Places): Found | Missing {
  if (places.setting !== "") {
    const command = expandHome(places.setting, places.home);
    return path.isAbsolute(command) && places.isProgram(command)
      ? { kind: "found", command, by: "the setting starcoder.server.path" }
      : { kind: "missing", setting: places.setting };
  }
  for (const [folder, by] of folders(places)) {
    const command = path.join(folder, PROGRAM);
    if (isAllowed(folder, places) && places.isProgram(command)) {
      return { kind: "found", command, by };
    }
  }
  return { kind: "missing" };
}

function* folders(places: Places): Generator<readonly [string, string]> {
  for (const folder of places.path.split(path.delimiter)) {
    yield [folder, "the PATH"];
  }
  // A VS Code that was not started in a terminal may have a shorter PATH.
  yield [path.join(places.home, ".local", "bin"), "~/.local/bin"];
  if (places.interpreter !== undefined && places.isTrusted) {
    yield [path.dirname(places.interpreter), "the interpreter of the Python extension"];
  }
  yield [path.join(places.own, "bin"), "the installation of this extension"];
}

function isAllowed(folder: string, places: Places): boolean {
  if (!path.isAbsolute(folder)) {
    return false;
  }
  return places.isTrusted || !places.workspaceFolders.some((one) => isInside(folder, one));
}

function isInside(folder: string, root: string): boolean {
  const relative = path.relative(root, folder);
  return !relative.startsWith("..") && !path.isAbsolute(relative);
}

export function expandHome(file: string, home: string): string {
  return file === "~" || file.startsWith("~/") ? path.join(home, file.slice(1)) : file;
}
