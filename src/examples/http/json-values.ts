// JSON text → values, and values → cells, without a change of any number: a double holds integers up to 2^53 and 15 to
// 17 digits of a decimal, and JSON has no such bounds (ids of 64 bits are common).

declare global {
  // ES2026 (JSON.parse source text access); the runtime has it, TypeScript's declarations do not.
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** A number as its source text; `JSON.stringify` prints that text. */
type RawNumber = { readonly rawJSON: string };

/** What a JSON value becomes in a row. */
export type JsonCell = string | number | bigint | boolean | null;

/**
 * A number outside a string that a double may not hold: 16 characters of digits, or an exponent of three digits. A match
 * inside a string costs time and changes nothing.
 */
const mayBeInexact = /[\d.]{16}(?:[eE][+-]?\d+)?(?:[\s,\]}]|$)|\d[eE][+-]?\d{3,}(?:[\s,\]}]|$)/;

/**
 * `JSON.parse`; a number that a double would change is a `RawNumber`.
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  return mayBeInexact.test(text) ? JSON.parse(text, keepSource) : JSON.parse(text);
}

function keepSource(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  if (source === undefined)
    throw new Error("Internal error: JSON.parse gave no source of a number");
  return isHeld(source, value) ? value : JSON.rawJSON(source);
}

/** A double holds so many digits of any decimal of ordinary size. */
const certainDigits = 15;
/** What `toExponential` can print. */
const mostDigits = 100;
/** Below, a double has fewer digits. */
const smallestNormal = 2.2250738585072014e-308;

/** Whether the double, printed with as many digits as the source has, is the source. */
function isHeld(source: string, value: number): boolean {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  if (!Number.isFinite(value)) return false;
  const digits = significantDigits(source);
  if (digits === "") return true;
  if (digits.length > mostDigits) return false;
  if (digits.length <= certainDigits && Math.abs(value) >= smallestNormal) return true;
  return significantDigits(value.toExponential(digits.length - 1)) === digits;
}

/** Without the sign, the point, the exponent, and zeros at both ends; empty for zero. */
const significantDigits = (number: string): string =>
  number
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");

/**
 * A value as a cell: objects and arrays as JSON text, a number that a double would change as an integer of 64 bits, or
 * as text where there is no such integer.
 * @throws Error for text that SQLite cannot hold
 */
export function cellOf(value: unknown): JsonCell {
  if (typeof value === "string") {
    if (value.isWellFormed()) return value;
    throw new Error("text with half a surrogate pair, which is no character and cannot be stored");
  }
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (JSON.isRawJSON(value)) return toInt64(value.rawJSON) ?? value.rawJSON;
  if (typeof value === "object") return JSON.stringify(value);
  throw new Error(`Internal error: JSON.parse gave a ${typeof value}`);
}

/** Null for what is not an integer of 64 bits in digits. */
export function toInt64(text: string): bigint | null {
  if (!/^-?\d{1,19}$/.test(text)) return null;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : null;
}
