/** What a wrong value is, for error messages: `a Map`, `an Invoice`, `undefined`. Never throws. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") {
    return value === undefined ? "undefined" : `a ${typeof value}`;
  }
  const name = constructorName(value);
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`;
}

function constructorName(value: object): string {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    const constructor: unknown =
      typeof prototype === "object" && prototype !== null
        ? Reflect.get(prototype, "constructor")
        : undefined;
    return typeof constructor === "function" && constructor.name !== ""
      ? constructor.name
      : "Object";
  } catch {
    // A proxy that was revoked, or that throws.
    return "Object";
  }
}
