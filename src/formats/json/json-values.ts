// JSON text → values → cells, without changing any number. A double holds integers up to 2^53 and 15 to 17 significant
// digits; JSON has no such limits, and 64-bit ids are common.

declare global {
  // JSON.parse source text access (ES2026). The runtime has it; TypeScript's declarations do not yet.
  interface JSON {
    rawJSON(this: void, text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** A number kept as source text. `JSON.stringify` prints that text. */
type RawNumber = { readonly rawJSON: string };

/** A JSON value as a cell of a row. */
export type JsonCell = string | number | bigint | boolean | null;

/**
 * Cheap test for numbers that a double may not hold: 16 digits in a row, or an exponent of three digits. A match inside
 * a string only costs time.
 */
const mayBeInexact = /[\d.]{16}(?:[eE][+-]?\d+)?(?:[\s,\]}]|$)|\d[eE][+-]?\d{3,}(?:[\s,\]}]|$)/;

/**
 * `JSON.parse`, except that a number that a double would change becomes a `RawNumber`.
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

/** Significant digits that a normal double always preserves. */
const certainDigits = 15;
/** Limit of `toExponential`. */
const mostDigits = 100;
/** Doubles below this value are subnormal and have fewer digits. */
const smallestNormal = 2.2250738585072014e-308;

/** Whether the double, printed with as many digits as the source, equals the source. */
function isHeld(source: string, value: number): boolean {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  if (!Number.isFinite(value)) return false;
  const digits = significantDigits(source);
  if (digits === "") return true;
  if (digits.length > mostDigits) return false;
  if (digits.length <= certainDigits && Math.abs(value) >= smallestNormal) return true;
  const shortest = significantDigits(String(value));
  // Two decimals of 16 digits may be one double, halfway between them: it prints as the other one.
  if (shortest.length >= digits.length) return shortest === digits;
  return significantDigits(value.toExponential(digits.length - 1)) === digits;
}

/** Digits without sign, point, exponent and outer zeros; empty for zero. */
const significantDigits = (number: string): string =>
  number
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");

/**
 * A value as a cell. Objects and arrays become JSON text. A `RawNumber` becomes a 64-bit integer, or text if it is not
 * one.
 * @throws Error for text that SQLite cannot store
 */
export function cellOf(value: unknown): JsonCell {
  if (typeof value === "string") {
    if (value.isWellFormed()) return value;
    throw new Error(
      "text with an unpaired surrogate (half a character), which SQLite cannot store",
    );
  }
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (JSON.isRawJSON(value)) return toInt64(value.rawJSON) ?? value.rawJSON;
  if (typeof value === "object") return JSON.stringify(value);
  throw new Error(`Internal error: JSON.parse gave a ${typeof value}`);
}

/** Parses a 64-bit integer; null for other text. */
export function toInt64(text: string): bigint | null {
  if (!/^-?\d{1,19}$/.test(text)) return null;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : null;
}
