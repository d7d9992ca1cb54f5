// The code of a definition, as `pipeloom_sources` has it.

import { TextDecoder } from "../../base/globals.ts";

/** Undefined where it cannot be read: users can edit the table. */
export function storedSource(value: unknown): string | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return new TextDecoder().decode(Bun.gunzipSync(value.slice()));
  } catch {
    return undefined;
  }
}
