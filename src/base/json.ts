// Inputs and outputs are JSON values. A value that JSON would change is an error, never converted.

import { describeValue } from "./describe-value.ts";
import { JSON } from "./globals.ts";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** A list that holds itself has a path of 1000 levels. */
const maxPathChars = 200;

/** The place in a value that is not JSON. `path` reads like code: `result[3].createdAt`. */
export class NotJsonError extends Error {
  override readonly name = "NotJsonError";
  readonly path: string;
  readonly found: string;
  constructor(path: string, found: string) {
    super(`${found} at ${path}`);
    this.path = path.length > maxPathChars ? `${path.slice(0, 100)}…${path.slice(-50)}` : path;
    this.found = found;
  }

  /** The message for the author, with the next step if known: `result.at is a Date; outputs must be JSON (use …)`. */
  explain(plural: string): string {
    const hint = /\bDate\b/.test(this.found) ? " (use .toISOString())" : "";
    return `${this.path} is ${this.found}; ${plural} must be JSON${hint}`;
  }
}

export function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const maxDepth = 1000;
const identifier = /^[A-Za-z_$][\w$]*$/;

export const memberPath = (path: string, key: string): string =>
  identifier.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;

/** `a URL`, or what an object is whose class has no name. */
function classOf(value: object): string {
  const name = describeValue(value);
  return name === "an Object" ? "an object with a prototype of its own" : name;
}

/** Made by a literal, or without a prototype. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An own `toJSON`. One that a library has added to every object is ignored (see globals.ts). */
const hasToJson = (value: object): boolean =>
  Object.hasOwn(value, "toJSON") && typeof Reflect.get(value, "toJSON") === "function";

/**
 * Checks that `value` is JSON without conversion: null, booleans, finite numbers, strings, and arrays and plain objects
 * of these. A member that is `undefined` is ignored, as in JSON.stringify; elsewhere `undefined` is an error.
 *
 * @param root the name of the value in the error, e.g. `result`
 * @throws NotJsonError with the first place that is not JSON
 */
export function assertJson(value: unknown, root: string): asserts value is Json {
  // Paths cost more than the check, so the slow `check` makes them only for an error.
  if (!isJson(value, 0)) check(value, root, 0, nothingElse);
}

/** Objects that may be in a value besides JSON. */
type Allowed = (value: object) => boolean;
const nothingElse: Allowed = () => false;

/** The error for a value that is not JSON, naming the first place. @param allowed what may be in it besides JSON */
export function notJson(value: unknown, root: string, allowed: Allowed): Error {
  try {
    check(value, root, 0, allowed);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  return new Error(`Internal error: ${root} is JSON`);
}

/** A value that is neither an object nor an array, and JSON. */
export const isJsonScalar = (value: unknown): boolean =>
  typeof value === "string" ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value)) ||
  value === null;

/** True is certain; after false, `check` decides. */
const isJson = (value: unknown, depth: number): boolean =>
  typeof value === "object" && value !== null ? isJsonObject(value, depth) : isJsonScalar(value);

function isJsonObject(value: object, depth: number): boolean {
  if (depth > maxDepth) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isJson(value[i], depth + 1)) return false;
    return true;
  }
  if (!isPlainObject(value) || hasToJson(value)) return false;
  for (const key in value) {
    const member: unknown = Reflect.get(value, key);
    if (member !== undefined && !isJson(member, depth + 1)) return false;
  }
  return true;
}

function check(value: unknown, path: string, depth: number, allowed: Allowed): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw new NotJsonError(path, String(value));
      return;
    case "undefined":
      throw new NotJsonError(path, "undefined");
    case "bigint":
      throw new NotJsonError(path, "a BigInt");
    case "symbol":
    case "function":
      throw new NotJsonError(path, `a ${typeof value}`);
    case "object":
      if (value !== null && !allowed(value)) checkObject(value, path, depth, allowed);
  }
}

function checkObject(value: object, path: string, depth: number, allowed: Allowed): void {
  if (depth > maxDepth) {
    throw new NotJsonError(
      path,
      `a value nested more than ${maxDepth} levels (does it hold itself?)`,
    );
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth + 1, allowed);
    return;
  }
  if (!isPlainObject(value)) throw new NotJsonError(path, classOf(value));
  if (hasToJson(value)) {
    throw new NotJsonError(path, "an object with a toJSON method");
  }
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) check(member, memberPath(path, key), depth + 1, allowed);
  }
}

/** Not a list, and not null. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Equal text for equal values: members are sorted by name. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

/** Frozen, because several readers share the value. */
export const parseFrozen = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => Object.freeze(value));

/** `assertJson` and `JSON.stringify`. `undefined` becomes `null`: a task that returns nothing. */
export function toJsonText(value: unknown, root: string): string {
  if (value === undefined || value === null) return "null";
  assertJson(value, root);
  return JSON.stringify(value);
}

/**
 * `toJsonText` with an error for the author, who learns what the value is for and what to do.
 * @throws TypeError for a value that is not JSON; whatever a getter in it throws
 */
export function jsonText(value: unknown, root: string, what: string, plural: string): string {
  try {
    return toJsonText(value, root);
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new TypeError(`${what}: ${error.explain(plural)}`);
  }
}
