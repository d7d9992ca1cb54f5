// What a value is, for error messages.

import { JSON } from "./globals.ts";

/** What a wrong value is, for error messages: `a Map`, `an Invoice`, `undefined`. Never throws. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") {
    return value === undefined ? "undefined" : `a ${typeof value}`;
  }
  const name = constructorName(value);
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

function constructorName(value: object): string {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    const constructor: unknown =
      typeof prototype === "object" && prototype !== null
        ? Reflect.get(prototype, "constructor")
        : undefined;
    if (typeof constructor === "function" && constructor.name !== "") return constructor.name;
    // What a generator returns has a tag only.
    const tag: unknown = Reflect.get(value, Symbol.toStringTag);
    return typeof tag === "string" && tag !== "" ? tag : "Object";
  } catch {
    // A proxy that was revoked, or that throws.
    return "Object";
  }
}

const maxShownChars = 60;

/** A wrong value for error messages: `-1`, `"soon"`, `a Map`. Never throws. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(
      value.length > maxShownChars ? `${value.slice(0, maxShownChars)}…` : value,
    );
  }
  return typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : describeValue(value);
}
