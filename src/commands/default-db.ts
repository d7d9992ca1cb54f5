// Which database a command means: the one rule for all that look at one. A command that writes goes by what it is told, by
// what the pipeline says, and else by a name that does not depend on what was written last.

import { statSync } from "node:fs";

import { pathOf } from "../base/path.ts";

/** `run` writes the first unless the pipeline says otherwise, `demo` the second. */
const candidates = ["./pipeloom.db", "./wal_demo.db"] as const;

export const defaultDbHint = "pipeloom.db or wal_demo.db, whichever was written last";

/** @param given what `--db` says; a `file://` address is a path too */
export function databaseOf(given: string | undefined): string {
  if (given === undefined) return lastWritten();
  return given.startsWith("file://") ? pathOf(given, process.cwd()) : given;
}

/** The first when there is none, so that the error names it. */
function lastWritten(): string {
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
