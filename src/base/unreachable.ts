import { JSON } from "./globals.ts";

/** Ends an exhaustive switch: a case that was forgotten is a type error here, and a bug if it is reached. */
export function assertNever(value: never): never {
  throw new Error(`Internal error: unexpected ${JSON.stringify(value)}`);
}
