/** Versions of the server, as `initialize` and `starcoder-lsp --version` report them. */

/** The oldest server that this extension works with. */
export const OLDEST_SERVER = "0.2.0";

/** The numbers of a version; a development version such as 0.2.0.dev0 counts as 0.2.0. */
export function parseVersion(text: string): readonly number[] | undefined {
  const found = /^\s*v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found?.slice(1, 4).map((part) => Number(part ?? 0));
}

/** Returns whether `version` is at least `oldest`; false for what is no version. */
export function isAtLeast(version: string | undefined, oldest: string): boolean {
  const mine = parseVersion(version ?? "");
  const theirs = parseVersion(oldest);
  if (mine === undefined || theirs === undefined) {
    return false;
  }
  const differing = mine.findIndex((part, i) => part !== theirs[i]);
  return differing < 0 || (mine[differing] ?? 0) > (theirs[differing] ?? 0);
}
