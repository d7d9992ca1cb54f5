// The default database of the commands that read one. Commands that write do not use it: their default must not depend on
// which file was written last.

import { statSync } from "node:fs";

import { pathOf } from "../base/path.ts";
import { defineFlags } from "../cli/flag-defs.ts";

/** The defaults of `run` and of `demo`. */
const candidates = ["./pipeloom.db", "./wal_demo.db"] as const;

export const { db: readDbFlag } = defineFlags({
  db: {
    type: "string",
    valueHint: "db",
    defaultHint: "pipeloom.db or wal_demo.db, whichever was written last",
    description: "the database",
  },
});

/** @param given the value of `--db`, a path or a `file://` URL */
export function databaseOf(given: string | undefined): string {
  if (given === undefined) return lastWritten();
  return given.startsWith("file://") ? pathOf(given, process.cwd()) : given;
}

/** The first one when neither exists, so that the error names it. */
function lastWritten(): string {
  const [first, ...others] = candidates;
  return others.reduce<string>((a, b) => (writtenAt(b) > writtenAt(a) ? b : a), first);
}

/** Recent writes are in the WAL only. */
const writtenAt = (path: string): number => Math.max(modified(path), modified(`${path}-wal`));

const modified = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
};
