import { JSON } from "./globals.ts";

/** The default of an exhaustive switch: a missing case is a type error, and reaching it is a bug. */
export function assertNever(value: never): never {
  throw new Error(`Internal error: unexpected ${JSON.stringify(value)}`);
}
