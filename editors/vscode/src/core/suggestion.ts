/** What becomes of a suggestion, without VS Code. */

/** The part of an item that the server needs to recognize it. */
export interface Item {
  readonly insertText: string;
  readonly command?: { readonly arguments?: readonly unknown[] | undefined } | undefined;
}

export interface Place {
  readonly uri: string;
  readonly version: number;
  readonly line: number;
  readonly character: number;
}

export function isSamePlace(one: Place | undefined, other: Place | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.uri === other.uri &&
    one.version === other.version &&
    one.line === other.line &&
    one.character === other.character
  );
}

/**
 * Returns how much of `item` stands in the document, in UTF-16 units as Copilot's
 * notification counts them; undefined if the document says something else.
 *
 * `text` is the text from the start of the item's range to the cursor.
 */
export function acceptedLength(item: Item, text: string): number | undefined {
  const unix = text.replaceAll("\r\n", "\n");
  const isPart = item.insertText.replaceAll("\r\n", "\n").startsWith(unix);
  return isPart ? unix.length : undefined;
}
