// Values that are bound to SQL. For some, SQLite or the runtime's binding would silently use another value: these are
// refused.

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

export const fitsInt64 = (value: bigint): boolean => value >= int64Min && value <= int64Max;

/** @throws TypeError with the position of the first value that SQLite cannot represent */
export function checkSqlValues(values: readonly unknown[]): void {
  for (const [index, value] of values.entries()) {
    const trouble = troubleWith(value);
    if (trouble !== undefined) throw new TypeError(`value ${index + 1} of the SQL is ${trouble}`);
  }
}

/** What the value is, and what to give instead; undefined for a value that SQLite can represent. */
function troubleWith(value: unknown): string | undefined {
  switch (typeof value) {
    case "boolean":
      return undefined;
    case "number":
      return Number.isNaN(value) ? "NaN, which SQLite would take for NULL; give null" : undefined;
    case "bigint":
      return fitsInt64(value)
        ? undefined
        : "a bigint beyond the 64 bits of SQLite's integers; give it as text (String(value))";
    case "string":
      return value.isWellFormed()
        ? undefined
        : "a string with half of a surrogate pair, which SQLite would take for another; `.toWellFormed()` replaces such halves";
    case "object":
      return value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer
        ? undefined
        : `${Array.isArray(value) ? "a list" : "an object"}; give the values one by one, each as text, number, bigint, boolean, null or bytes`;
    case "undefined":
      return "undefined; give null where a value is missing";
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      return `a value of the type ${typeof value}`;
  }
}
