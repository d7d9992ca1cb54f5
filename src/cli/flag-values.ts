// Parses one value by its definition. The usage error names what is expected.

import { toFailure } from "../base/failure.ts";
import { JSON } from "../base/globals.ts";
import { assertNever } from "../base/unreachable.ts";
import type { EnumFlag, NumberFlag, Positional, ValuedFlag } from "./flag-defs.ts";
import { didYouMean, nearest } from "../base/suggest.ts";
import { UsageError } from "./usage-error.ts";

/** Stricter than `Number()`: no hexadecimal digits, no spaces, no empty string. */
const decimal = /^[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** @param label the flag's name in the error: `-w (--workers)` */
export function parseValue(def: ValuedFlag, text: string, label: string): string | number {
  if (text === "") throw new UsageError(`${label} needs a value, not an empty one`);
  if (def.type === "enum") return oneOf(def, text, label);
  switch (def.valueType) {
    case undefined:
      checkText(def.check, text, label);
      return text;
    case "integer":
      return integer(def, text, label);
    case "number":
      return number(def, text, label);
    default:
      return assertNever(def);
  }
}

function checkText(
  check: ((text: string) => unknown) | undefined,
  text: string,
  label: string,
): void {
  try {
    check?.(text);
  } catch (error) {
    throw new UsageError(`${label}: ${toFailure(error).message}`);
  }
}

export function parsePositional(def: Positional, text: string, label: string): string {
  if (text === "") throw new UsageError(`${label} is empty`);
  return def.options === undefined ? text : oneOf({ options: def.options }, text, label);
}

function oneOf(def: Pick<EnumFlag, "options">, text: string, label: string): string {
  if (def.options.includes(text)) return text;
  throw new UsageError(
    `${label} must be ${listed(def.options)}, not ${quote(text)}`,
    didYouMean(nearest(text, def.options)),
  );
}

function integer(def: NumberFlag, text: string, label: string): number {
  const value = read(text, label, "a whole number");
  if (!Number.isInteger(value)) {
    throw new UsageError(`${label} must be a whole number, not ${text}`);
  }
  assertBounds(def, value, text, label);
  if (!Number.isSafeInteger(value)) throw outOfRange(text, label);
  return value;
}

function number(def: NumberFlag, text: string, label: string): number {
  const value = read(text, label, "a number");
  assertBounds(def, value, text, label);
  return value;
}

function read(text: string, label: string, what: string): number {
  if (!decimal.test(text)) throw new UsageError(`${label} must be ${what}, not ${quote(text)}`);
  const value = Number(text);
  if (!Number.isFinite(value)) throw outOfRange(text, label);
  return value;
}

const outOfRange = (text: string, label: string): UsageError =>
  new UsageError(`${label} is out of range: ${text}`);

function assertBounds(
  { min, max }: { readonly min?: number; readonly max?: number },
  value: number,
  text: string,
  label: string,
): void {
  if (min !== undefined && max !== undefined && (value < min || value > max)) {
    throw new UsageError(`${label} must be between ${min} and ${max}, not ${text}`);
  }
  if (min !== undefined && value < min) {
    throw new UsageError(`${label} must be at least ${min}, not ${text}`);
  }
  if (max !== undefined && value > max) {
    throw new UsageError(`${label} must be at most ${max}, not ${text}`);
  }
}

const maxQuoted = 60;

/** In quotes, at most 60 characters. Control characters become escapes. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text);

/** `a`, `a or b`, `a, b or c` */
function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
