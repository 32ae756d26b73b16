import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedLength, isSamePlace } from "../src/core/suggestion";

test("an accepted part is counted in UTF-16 units from the start of the suggestion", () => {
  const item = { insertText: "return '😀'\n    pass" };
  assert.equal(acceptedLength(item, ""), 0);
  assert.equal(acceptedLength(item, "return "), 7);
  assert.equal(acceptedLength(item, "return '😀"), 10);
});

test("line ends of Windows count as one", () => {
  const item = { insertText: "\n    return a" };
  assert.equal(acceptedLength(item, "\r\n    "), 5);
});

test("other text than the suggestion's is no part of it", () => {
  assert.equal(acceptedLength({ insertText: "return" }, "rest"), undefined);
});

test("a place is the same only in the same version of the document", () => {
  const place = { uri: "file:///a", version: 3, line: 1, character: 2 };
  assert.ok(isSamePlace(place, { ...place }));
  assert.ok(!isSamePlace(place, { ...place, version: 4 }));
  assert.ok(!isSamePlace(place, { ...place, character: 0 }));
  assert.ok(!isSamePlace(place, undefined));
});
