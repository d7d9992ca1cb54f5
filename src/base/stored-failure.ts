// Failures as they are in the file. Users can edit it, and older versions of pipeloom have written it.

import type { Failure } from "./failure.ts";
import { JSON } from "./globals.ts";

/** The failure that a JSON text holds. Any other text is shown as it is. */
export function parseFailure(text: string): Failure {
  try {
    const parsed = failureOf(JSON.parse(text));
    if (parsed !== undefined) return parsed;
  } catch {
    // Shown as plain text below.
  }
  return { name: "Error", message: text };
}

/** With the members that have the right type. Undefined if the value is no failure. */
function failureOf(value: unknown): Failure | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, message, stack, code, cause, errors } = value as Record<string, unknown>;
  if (typeof name !== "string" || typeof message !== "string") return undefined;
  const causedBy = failureOf(cause);
  const all = Array.isArray(errors)
    ? errors.map(failureOf).filter((each) => each !== undefined)
    : [];
  return {
    name,
    message,
    ...(typeof stack === "string" ? { stack } : {}),
    ...(typeof code === "string" ? { code } : {}),
    ...(causedBy === undefined ? {} : { cause: causedBy }),
    ...(all.length === 0 ? {} : { errors: all }),
  };
}
