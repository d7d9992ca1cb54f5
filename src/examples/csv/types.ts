// What a column holds, and a field as a cell. A column gets a number type only if that changes none of its values:
// `007` and `+49 30 …` stay text.

export type ColumnType = "INTEGER" | "REAL" | "TEXT";

/** How much a kind can hold; a column's kind is the largest of its values'. */
export const kinds = { empty: 0, integer: 1, real: 2, text: 3 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

const zero = 48;
const nine = 57;
const minus = 45;
const dot = 46;

const int64Digits = 19;
const int64Max = "9223372036854775807";
const int64Min = "9223372036854775808";
/** A double holds at most 17 significant digits. */
const doubleDigits = 17;

const isDigit = (code: number): boolean => code >= zero && code <= nine;

/** For what is known to be ASCII. */
const textOf = (bytes: Buffer, from: number, to: number): string =>
  bytes.toString("latin1", from, to);

/**
 * What a field's bytes are: integers without leading zeros within 64 bits; decimals that a double holds; all else is
 * text. One loop over the digits: this runs for every field of a number column.
 */
export function kindOf(bytes: Buffer, start: number, to: number): Kind {
  if (start === to) return kinds.empty;
  const from = bytes[start] === minus ? start + 1 : start;
  let digits = 0;
  let pointAt = -1;
  let at = from;
  for (; at < to; at++) {
    const code = bytes[at] ?? 0;
    if (isDigit(code)) digits++;
    else if (code === dot && pointAt === -1) pointAt = at;
    else break;
  }
  const wholeDigits = (pointAt === -1 ? at : pointAt) - from;
  if (digits === 0 || (wholeDigits > 1 && bytes[from] === zero)) return kinds.text;
  if (digits >= doubleDigits) return longKind(bytes, start, from, at, to);
  if (at < to) return exponentKind(bytes, start, at, to);
  return pointAt === -1 ? kinds.integer : kinds.real;
}

/** @param end where the digits and their point end */
function longKind(bytes: Buffer, start: number, from: number, end: number, to: number): Kind {
  const digits = textOf(bytes, from, end);
  const isWhole = !digits.includes(".");
  if (isWhole && end === to) {
    const most = from === start ? int64Max : int64Min;
    const fits = digits.length < int64Digits || (digits.length === int64Digits && digits <= most);
    return fits ? kinds.integer : kinds.text;
  }
  if (significantDigits(digits) > doubleDigits) return kinds.text;
  return end === to ? kinds.real : exponentKind(bytes, start, end, to);
}

/** @param at where the exponent would begin */
function exponentKind(bytes: Buffer, start: number, at: number, to: number): Kind {
  const isReal =
    /^[Ee][+-]?[0-9]+$/.test(textOf(bytes, at, to)) &&
    Number.isFinite(Number(textOf(bytes, start, to)));
  return isReal ? kinds.real : kinds.text;
}

const significantDigits = (digits: string): number =>
  digits.replace(/^[0.]+/, "").replace(".", "").length;

/** A column without any value is text. */
export function typeOfKind(kind: Kind): ColumnType {
  if (kind === kinds.integer) return "INTEGER";
  return kind === kinds.real ? "REAL" : "TEXT";
}

/**
 * A number column's field as its cell: null for an empty one, undefined for what the column cannot hold as a number. That
 * goes as text: SQLite keeps it so, or converts it by its own rules.
 */
export function toNumber(
  bytes: Buffer,
  start: number,
  to: number,
): number | bigint | null | undefined {
  const simple = simpleNumber(bytes, start, to);
  if (simple !== undefined) return simple;
  const kind = kindOf(bytes, start, to);
  if (kind === kinds.empty) return null;
  if (kind === kinds.text) return undefined;
  const field = textOf(bytes, start, to);
  const number = Number(field);
  return kind === kinds.real || Number.isSafeInteger(number) ? number : BigInt(field);
}

/** Up to this many digits an integer is exact as a double, and so is its quotient by a power of ten: one rounding. */
const exactDigits = 15;
const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i);

/**
 * The number from its digits, without making a string: a third of the time. (Clinger 1990, the fast path: both operands
 * exact.) Undefined when the field is not that simple.
 */
function simpleNumber(bytes: Buffer, start: number, to: number): number | undefined {
  const isNegative = start < to && bytes[start] === minus;
  const from = isNegative ? start + 1 : start;
  let mantissa = 0;
  let digits = 0;
  let pointAt = -1;
  for (let at = from; at < to; at++) {
    const code = bytes[at] ?? 0;
    if (isDigit(code)) {
      mantissa = mantissa * 10 + code - zero;
      digits++;
    } else if (code === dot && pointAt === -1) pointAt = at;
    else return undefined;
  }
  if (digits === 0 || digits > exactDigits) return undefined;
  const wholeDigits = pointAt === -1 ? digits : pointAt - from;
  if (wholeDigits > 1 && bytes[from] === zero) return undefined;
  const value = mantissa / (powersOfTen[digits - wholeDigits] ?? Number.NaN);
  // Zero without a sign: SQLite stores none, and -0 is not a number of JSON.
  return isNegative && value !== 0 ? -value : value;
}
