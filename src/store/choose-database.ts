// Which database a command uses. One rule: what the command line says (relative to the working directory), else what the
// pipeline file says (relative to the file), else the one of `pipeloom.db` and `wal_demo.db` in the folder that was written
// last. A run without a word of either writes to `pipeloom.db`: it must not end in the database of a demonstration.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

import { pathOf, shownPath } from "../base/path.ts";

/** Where a run writes to when nobody says so: beside the pipeline file. */
export const defaultDb = "pipeloom.db";
/** Of `demo`, in the working directory. */
export const demoDb = "wal_demo.db";

const inMemory = ":memory:";

export type DatabaseOfRun = {
  readonly path: string;
  /** Why it is not where the rule says. */
  readonly notice?: string;
};

type DatabaseAsked = {
  /** Of the command line or the program, relative to `from`. */
  readonly given: string | undefined;
  readonly from: string;
  /** Of the pipeline, relative to `folder`. */
  readonly declared: string | undefined;
  /** The folder of the pipeline's file. */
  readonly folder: string;
  /** Its name. */
  readonly pipeline: string;
};

/**
 * The database that a run writes to. Older versions took the pipeline's path from the working directory: a database there
 * that has runs of the pipeline is used as long as there is none where it belongs.
 */
export async function databaseOfRun(asked: DatabaseAsked): Promise<DatabaseOfRun> {
  const { given, from, declared = defaultDb, folder, pipeline } = asked;
  if (given !== undefined) return { path: located(given, from) };
  const path = located(declared, folder);
  const earlier = located(declared, from);
  if (path === earlier || existsSync(path) || !existsSync(earlier)) return { path };
  // Loaded when there is something to look at: SQLite is half of what the main thread of a run would load.
  const { hasRunsOf } = await import("./read/has-runs-of.ts");
  if (!hasRunsOf(earlier, pipeline)) return { path };
  return {
    path: earlier,
    notice:
      `${shownPath(earlier)} has runs of ${pipeline} and is used; without it, the database would be ${shownPath(path)}, ` +
      "beside the pipeline file: move it there, or name it with --db",
  };
}

const located = (db: string, folder: string): string => (db === inMemory ? db : pathOf(db, folder));

export type DatabaseToRead = {
  readonly path: string;
  /** Undefined where it was given, and where there is none. `choice`: there were two. */
  readonly guess?: "only" | "choice";
};

/** The database that a command reads, and that need not exist. */
export function databaseToRead(given: string | undefined, folder: string): DatabaseToRead {
  if (given !== undefined) {
    return { path: given.startsWith("file://") ? pathOf(given, folder) : given };
  }
  const names = [defaultDb, demoDb];
  const there = names.filter((name) => existsSync(join(folder, name)));
  const [first = defaultDb, ...others] = there;
  const last = others.reduce(
    (a, b) => (writtenAt(folder, b) > writtenAt(folder, a) ? b : a),
    first,
  );
  // The first one when neither exists, so that the error names it.
  const guess = there.length > 1 ? "choice" : "only";
  return { path: `./${last}`, ...(there.length === 0 ? undefined : { guess }) };
}

/** Recent writes are in the WAL only. */
const writtenAt = (folder: string, name: string): number =>
  Math.max(modified(join(folder, name)), modified(join(folder, `${name}-wal`)));

const modified = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
};
