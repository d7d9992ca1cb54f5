// One value of a row → a cell that JSON can hold, or the reason why it cannot be stored.

import { isPlainObject, NotJsonError, toJsonText } from "../protocol/json.ts";
import type { Cell, TaggedCell } from "../protocol/messages.ts";

export type CellTag = TaggedCell[2];

/** A cell as it travels: JSON's own, or text with a tag that says what it was. */
export type EncodedCell = { readonly cell: Cell; readonly tag?: CellTag };

/** Why a value cannot be a cell. `at` continues the path to the value: empty, or `.deep[2]`. */
export class CellError extends Error {
  override readonly name = "CellError";
  readonly at: string;
  readonly found: string;
  readonly hint: string;
  constructor(found: string, hint: string, at = "") {
    super(`${found}${at === "" ? "" : ` at ${at}`}; ${hint}`);
    this.at = at;
    this.found = found;
    this.hint = hint;
  }
}

const storable =
  "a cell is a string, number, bigint, boolean, null, Date, Uint8Array, or a plain object or array";

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/**
 * Everything but strings and ordinary numbers, which the caller has dealt with on its fast path; it takes those too.
 * Booleans become 0 or 1, `undefined` null, a Date ISO 8601 text, plain objects and arrays JSON text. NaN, the
 * infinities and -0 are tagged `number`, a bigint `bigint`, bytes `blob` (base64).
 * @throws CellError for anything else
 */
export function encodeCell(value: unknown): EncodedCell {
  switch (typeof value) {
    case "string":
      return { cell: value };
    case "number":
      return isJsonNumber(value)
        ? { cell: value }
        : { cell: Object.is(value, -0) ? "-0" : String(value), tag: "number" };
    case "boolean":
      return { cell: value ? 1 : 0 };
    case "undefined":
      return { cell: null };
    case "bigint":
      return encodeBigint(value);
    case "object":
      return value === null ? { cell: null } : encodeObject(value);
    case "function":
    case "symbol":
    default:
      throw new CellError(`a ${typeof value}`, storable);
  }
}

/** JSON has no NaN, no infinities, and prints -0 as 0. */
export const isJsonNumber = (value: number): boolean =>
  value - value === 0 && (value !== 0 || 1 / value > 0);

function encodeBigint(value: bigint): EncodedCell {
  if (value < int64Min || value > int64Max) {
    throw new CellError(
      `the bigint ${shorten(String(value))}`,
      "SQLite's integers have 64 bits; store it as text (String(value))",
    );
  }
  return { cell: String(value), tag: "bigint" };
}

function encodeObject(value: object): EncodedCell {
  if (value instanceof Uint8Array) return { cell: value.toBase64(), tag: "blob" };
  if (value instanceof Date) return encodeDate(value);
  if (Array.isArray(value) || isPlainObject(value)) return { cell: jsonText(value) };
  throw new CellError(described(value), storable);
}

function encodeDate(value: Date): EncodedCell {
  if (Number.isNaN(value.getTime())) throw new CellError("an invalid Date", storable);
  return { cell: value.toISOString() };
}

function jsonText(value: object): string {
  try {
    return toJsonText(value, "");
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new CellError(
      error.found,
      "objects and arrays are stored as JSON text, so what is in them must be JSON",
      error.path,
    );
  }
}

const shorten = (text: string): string =>
  text.length <= 40 ? text : `${text.slice(0, 20)}… (${text.length} digits)`;

/** `a Map`, `an Invoice`; for messages. */
export function described(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") {
    return value === undefined ? "undefined" : `a ${typeof value}`;
  }
  const name = constructorName(value);
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`;
}

function constructorName(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const maker: unknown =
    typeof prototype === "object" && prototype !== null
      ? Reflect.get(prototype, "constructor")
      : undefined;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "Object";
}
