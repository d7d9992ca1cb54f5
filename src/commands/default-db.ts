// Which database the commands that look at one mean when none is named.

import { statSync } from "node:fs";

/** `run` writes the first unless the pipeline says otherwise, `demo` the second. */
const candidates = ["./pipeloom.db", "./wal_demo.db"] as const;

export const defaultDbHint = "pipeloom.db or wal_demo.db, whichever was written last";

/** The one that was written last; the first when there is none, so that the error names it. */
export function defaultDb(): string {
  const [first, ...others] = candidates;
  return others.reduce<string>((a, b) => (writtenAt(b) > writtenAt(a) ? b : a), first);
}

/** What is in the WAL has not reached the file. */
const writtenAt = (path: string): number => Math.max(modified(path), modified(`${path}-wal`));

const modified = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
};
