// Tells a file from its next version, without reading it.

import { statSync } from "node:fs";

export type StampOf = (path: string) => string | null;

/** Null: it is not there, or cannot be looked at. */
export function fileStamp(path: string): string | null {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : `${found.mtimeNs} ${found.size} ${found.ino}`;
  } catch {
    return null;
  }
}
