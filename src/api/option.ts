// Checks of options. Pipeline files run without a type check, and a wrong value would fail far from its cause.

import { shownValue } from "../base/describe-value.ts";

export const isAbsent = (value: unknown): value is undefined | null =>
  value === undefined || value === null;

/**
 * The option's value; undefined if it is absent. `null` counts as absent.
 * @param name names the option in the error, e.g. "pipeline \"posts\": `schema`"
 * @throws TypeError if the value is not valid
 */
export function option<Value>(
  value: Value | null | undefined,
  name: string,
  expected: string,
  isValid: (value: unknown) => boolean,
): Value | undefined {
  if (isAbsent(value)) return undefined;
  if (isValid(value)) return value;
  throw new TypeError(`${name} must be ${expected}, not ${shownValue(value)}`);
}

export const isText = (value: unknown): value is string => typeof value === "string";

/** Not blank. */
export const isName = (value: unknown): boolean => isText(value) && value.trim() !== "";

export const isBoolean = (value: unknown): boolean => typeof value === "boolean";

export const isFunction = (value: unknown): boolean => typeof value === "function";

/** Holes of an array are `undefined` for `isItem`. */
export const isListOf =
  (isItem: (item: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && Array.from(value as unknown[]).every(isItem);

/** @throws TypeError for what is not an object with options */
export function assertOptions(value: unknown, call: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${call} takes an object of options, not ${shownValue(value)}`);
}
