/** Chooses the settings to send to the server. */

/** What VS Code knows of one setting, by where it is written. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
}

export const SECTION = "starcoder";
/** Settings of the extension itself begin with this. */
const OWN = "server.";

/** Returns the names of the server's options that package.json contributes. */
export function optionNames(packageJson: unknown): string[] {
  const { contributes } = packageJson as {
    contributes: { configuration: readonly { properties: object }[] };
  };
  return contributes.configuration
    .flatMap((section) => Object.keys(section.properties))
    .map((key) => key.slice(SECTION.length + 1))
    .filter((name) => !name.startsWith(OWN));
}

/**
 * Returns the settings that the user has written; a default would override the user's
 * settings file. An untrusted folder sets nothing.
 */
export function writtenSettings(
  names: readonly string[],
  inspect: (name: string) => Inspected | undefined,
  isTrusted: boolean,
): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const name of names) {
    const found = inspect(name);
    const ofFolder = isTrusted ? found?.workspaceValue : undefined;
    const value = ofFolder ?? found?.globalValue;
    if (value !== undefined) {
      written[name] = value;
    }
  }
  return written;
}

type Written = Readonly<Record<string, unknown>>;

export function isSame(one: Written, other: Written): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Returns whether a setting was removed, which the server learns only by a new start. */
export function isRemoved(before: Written, after: Written): boolean {
  return Object.keys(before).some((name) => !(name in after));
}

/** Returns `list` with `word`, or without it. */
export function toggled(list: readonly string[], word: string): string[] {
  return list.includes(word) ? list.filter((one) => one !== word) : [...list, word].sort();
}
