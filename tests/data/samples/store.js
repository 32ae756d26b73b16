import fs, { readFile as read, writeFile } from "node:fs";
import * as path from "path";
import "./side-effects";
export { merge } from "./merge";
const { join, sep: separator } = require("path");
const lodash = require("lodash");

/**
 * Keeps values by name.
 */
export class Store extends Emitter {
  static instances = 0;
  #values = new Map();

  constructor(root) {
    super();
    this.root = root;
  }

  /** Reads one value. */
  async get(name) {
    return this.#values.get(normalize(name));
  }
}

export const LIMIT = 10, timeout = 500;

// Doubles a number.
export const double = (x) => x * 2;

function* numbers(from) {
  yield from;
}

module.exports.create = function (root) {
  return new Store(root);
};

Store.prototype.clear = function () {};

export default function main() {}
