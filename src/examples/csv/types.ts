// What a column holds, and a field as a cell. A column gets a number type only if that changes none of its values:
// `007` and `+49 30 …` stay text.

export type ColumnType = "INTEGER" | "REAL" | "TEXT";

/** How much a kind can hold; a column's kind is the largest of its values'. */
export const kinds = { empty: 0, integer: 1, real: 2, text: 3 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

const zero = 48;
const nine = 57;
const plus = 43;
const minus = 45;
const dot = 46;

const int64Digits = 19;
const int64Max = "9223372036854775807";
const int64Min = "9223372036854775808";
/** A double holds at most 17 significant digits. */
const doubleDigits = 17;

const isDigit = (code: number): boolean => code >= zero && code <= nine;
const isExponent = (code: number): boolean => code === 69 || code === 101;

/** The first place from `at` on, before `to`, that is not a digit. */
function skipDigits(text: string, at: number, to: number): number {
  let end = at;
  while (end < to && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** Integers without leading zeros within 64 bits; decimals that a double holds; all else is text. */
export const kindOf = (field: string): Kind => kindBetween(field, 0, field.length);

/** The same for a part of a text. */
export function kindBetween(text: string, start: number, to: number): Kind {
  if (start === to) return kinds.empty;
  const from = text.charCodeAt(start) === minus ? start + 1 : start;
  const end = skipDigits(text, from, to);
  const digits = end - from;
  if (digits > 1 && text.charCodeAt(from) === zero) return kinds.text;
  if (end < to) return realKind(text, from, end, to);
  if (digits < int64Digits) return digits === 0 ? kinds.text : kinds.integer;
  if (digits > int64Digits) return kinds.text;
  return text.slice(from, to) <= (from === start ? int64Max : int64Min)
    ? kinds.integer
    : kinds.text;
}

/** @param wholeEnd where the digits end that began at `from` */
function realKind(text: string, from: number, wholeEnd: number, to: number): Kind {
  let at = wholeEnd;
  let digits = wholeEnd - from;
  if (text.charCodeAt(at) === dot) {
    const end = skipDigits(text, at + 1, to);
    digits += end - at - 1;
    at = end;
  }
  if (digits === 0) return kinds.text;
  if (digits > doubleDigits && significantDigits(text.slice(from, at)) > doubleDigits) {
    return kinds.text;
  }
  if (at === to) return kinds.real;
  if (!isExponent(text.charCodeAt(at))) return kinds.text;
  const sign = text.charCodeAt(at + 1);
  const exponent = at + (sign === plus || sign === minus ? 2 : 1);
  const isWhole = exponent < to && skipDigits(text, exponent, to) === to;
  return isWhole && Number.isFinite(Number(text.slice(from, to))) ? kinds.real : kinds.text;
}

const significantDigits = (digits: string): number =>
  digits.replace(/^[0.]+/, "").replace(".", "").length;

/** A column without any value is text. */
export function typeOfKind(kind: Kind): ColumnType {
  if (kind === kinds.integer) return "INTEGER";
  return kind === kinds.real ? "REAL" : "TEXT";
}

export type CsvCell = string | number | bigint | null;

/**
 * A field as its column's cell. An empty one is NULL in a number column, and in a text column if `emptyIsNull`. What a
 * number column cannot hold as a number goes as text: SQLite keeps it so, or converts it by its own rules.
 */
export function toCell(field: string, type: ColumnType, emptyIsNull: boolean): CsvCell {
  if (type === "TEXT") return field === "" && emptyIsNull ? null : field;
  const kind = kindOf(field);
  if (kind === kinds.empty) return null;
  if (kind === kinds.text) return field;
  if (kind === kinds.real) return Number(field);
  const number = Number(field);
  return Number.isSafeInteger(number) ? number : BigInt(field);
}

/** Up to this many digits an integer is exact as a double, and so is its quotient by a power of ten: one rounding. */
const exactDigits = 15;
const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i);

/**
 * `toCell` of a number column's field, from the characters, without cutting it out first: a third of the time.
 * (Clinger 1990, the fast path: both operands exact.) Undefined when the field is not that simple.
 */
export function numberBetween(text: string, start: number, to: number): number | undefined {
  const isNegative = text.charCodeAt(start) === minus;
  const from = isNegative ? start + 1 : start;
  let mantissa = 0;
  let at = from;
  let code = text.charCodeAt(at);
  for (; at < to && isDigit(code); code = text.charCodeAt(++at))
    mantissa = mantissa * 10 + code - zero;
  const whole = at - from;
  if (whole > 1 && text.charCodeAt(from) === zero) return undefined;
  let parts = 0;
  if (at < to && code === dot) {
    const pointAt = at;
    code = text.charCodeAt(++at);
    for (; at < to && isDigit(code); code = text.charCodeAt(++at))
      mantissa = mantissa * 10 + code - zero;
    parts = at - pointAt - 1;
  }
  const digits = whole + parts;
  if (at !== to || digits === 0 || digits > exactDigits) return undefined;
  const value = parts === 0 ? mantissa : mantissa / (powersOfTen[parts] ?? Number.NaN);
  // Zero without a sign: SQLite stores none, and -0 would need a tag on its way.
  return isNegative && value !== 0 ? -value : value;
}
