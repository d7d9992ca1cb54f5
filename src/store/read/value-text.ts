// Values of SQLite as text and in JSON: two values have one text only if they are equal and of one type.

import { JSON } from "../../base/globals.ts";

/** As JSON, but with the digits that SQLite has: `12`, `12.0`, `"text"`, `x'00ff'`, `null`; infinity is `1e999`. */
export function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return `x'${value.toHex()}'`;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "number") return JSON.stringify(value);
  if (!Number.isFinite(value)) return value > 0 ? "1e999" : "-1e999";
  return Number.isSafeInteger(value) ? `${value}.0` : String(value);
}

/** For `JSON.stringify`: numbers keep their digits, a BLOB is the string `x'00ff'`. */
export const valueInJson = (value: unknown): unknown =>
  value instanceof Uint8Array ? valueText(value) : JSON.rawJSON(valueText(value));
