// One value of a row → a cell of a row batch, or the reason why it cannot be stored.

import { Date } from "../base/globals.ts";
import { isPlainObject, NotJsonError, toJsonText } from "../base/json.ts";
import { fitsInt64 } from "../protocol/sql-value.ts";
import type { RowBatchPacker } from "../protocol/codec/row-batch-packer.ts";
import { describeValue } from "../base/describe-value.ts";

/** Why a value cannot be a cell. */
export class CellError extends Error {
  override readonly name = "CellError";
  /** Path from the cell to the value that cannot be stored: empty, or `.deep[2]`. */
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

/**
 * Adds any value as a cell. A boolean becomes 0 or 1, `undefined` an absent cell, a Date ISO 8601 text, a plain object or
 * an array JSON text. Callers handle strings and numbers themselves where speed counts.
 * @throws CellError for a value that cannot be stored
 */
export function encodeCell(value: unknown, cells: RowBatchPacker): void {
  switch (typeof value) {
    case "string":
      return cells.text(value);
    case "number":
      if (!Number.isNaN(value)) return cells.number(value);
      throw new CellError(
        "NaN",
        "SQLite has none and would store NULL: give null where a value is missing",
      );
    case "boolean":
      return cells.number(value ? 1 : 0);
    case "undefined":
      return cells.absent();
    case "bigint":
      return encodeBigint(value, cells);
    case "object":
      return value === null ? cells.null() : encodeObject(value, cells);
    case "function":
    case "symbol":
    default:
      throw new CellError(`a ${typeof value}`, storable);
  }
}

function encodeBigint(value: bigint, cells: RowBatchPacker): void {
  if (!fitsInt64(value)) {
    throw new CellError(
      `the bigint ${shorten(String(value))}`,
      "SQLite's integers have 64 bits; store it as text (String(value))",
    );
  }
  cells.bigint(value);
}

function encodeObject(value: object, cells: RowBatchPacker): void {
  if (value instanceof Uint8Array) return cells.blob(value);
  if (value instanceof Date) return encodeDate(value, cells);
  if (Array.isArray(value) || isPlainObject(value)) return cells.text(jsonText(value));
  throw new CellError(describeValue(value), storable);
}

function encodeDate(value: Date, cells: RowBatchPacker): void {
  if (Number.isNaN(value.getTime())) throw new CellError("an invalid Date", storable);
  cells.text(value.toISOString());
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
