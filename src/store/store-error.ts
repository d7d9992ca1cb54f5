// What can be wrong with the database that a user named: expected, so it is said in full and without a stack.

import { hostname } from "node:os";

import type { RunProcess } from "./liveness.ts";

export type StoreErrorCode =
  | "no-path"
  | "is-folder"
  | "not-a-file"
  | "no-folder"
  | "not-writable"
  | "not-sqlite"
  | "corrupt"
  | "locked"
  | "disk-full"
  | "cannot-open"
  | "newer-version"
  | "table-clash"
  | "run-alive"
  | "no-such-run"
  | "wrong-pipeline"
  | "other-params"
  | "file-gone"
  | "hard-linked"
  | "out-of-memory"
  | "given-up"
  | "no-history";

/** The message names what is wrong, where, and the next step. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A row of pipeloom's own that pipeloom cannot have written: flipped bytes, or somebody else's hand. */
export const damagedRow = (path: string, where: string): StoreError =>
  new StoreError(
    "corrupt",
    `${path} is damaged: ${where} cannot be read; restore a copy, or start anew with --fresh`,
  );

/** A run that is going on in another process, or elsewhere in this one. */
export type LiveRun = RunProcess & { readonly pipeline: string; readonly startedAt: string };

export class RunAliveError extends StoreError {
  readonly run: LiveRun;
  /** @param path the database as the user wrote it */
  constructor(path: string, run: LiveRun) {
    const where = run.host === null || run.host === hostname() ? "" : ` on ${run.host}`;
    const pid = run.pid === null ? "" : `pid ${run.pid}${where}, `;
    super(
      "run-alive",
      `run ${run.id} of "${run.pipeline}" is going on in ${path} (${pid}since ${run.startedAt}): ` +
        `pipeloom status --watch --run ${run.id} --db ${path} shows it, pipeloom cancel ${run.id} --db ${path} ends it; ` +
        "--wait waits for its end, --fresh starts another run beside it",
    );
    this.run = run;
  }
}

/** SQLite's code for what was thrown, e.g. `SQLITE_BUSY`; undefined when it is not SQLite's. */
export function sqliteCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  const { code } = thrown;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}

export const isBusy = (thrown: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(thrown) ?? "");

/**
 * Another connection holds a lock that it will let go of. SQLITE_LOCKED, or "SQL statements in progress", is a statement
 * of our own that is still open, and SQLITE_BUSY_SNAPSHOT a transaction that can only start over: to wait for these would
 * be to wait for ever.
 */
export const isWaitable = (thrown: unknown): boolean =>
  /^SQLITE_BUSY(?!_SNAPSHOT)/.test(sqliteCode(thrown) ?? "") &&
  !(thrown instanceof Error && thrown.message.includes("SQL statements in progress"));

/** `isWaitable` for what opening the database throws. */
export const isLockedAtOpen = (thrown: unknown): boolean =>
  thrown instanceof StoreError
    ? thrown.code === "locked" && (thrown.cause === undefined || isWaitable(thrown.cause))
    : isWaitable(thrown);

/** Rows were refused: by a constraint, or by a trigger. */
export const isConstraint = (thrown: unknown): boolean =>
  (sqliteCode(thrown) ?? "").startsWith("SQLITE_CONSTRAINT");

/** [prefix of SQLite's code, ours, what to say about the path] */
const known: readonly (readonly [string, StoreErrorCode, string])[] = [
  [
    "SQLITE_BUSY",
    "locked",
    "is locked by another program; wait for it to finish, close it, or choose another file with --db",
  ],
  [
    "SQLITE_LOCKED",
    "locked",
    "is locked by another connection of this program; close it, or choose another file with --db",
  ],
  [
    "SQLITE_NOTADB",
    "not-sqlite",
    "is not an SQLite database (or it is encrypted); choose another file with --db",
  ],
  [
    "SQLITE_CORRUPT",
    "corrupt",
    'is a damaged SQLite database; restore a copy, or save what is readable with the sqlite3 program\'s ".recover"',
  ],
  [
    "SQLITE_FULL",
    "disk-full",
    "cannot grow: the disk is full; make room, or choose another disk with --db",
  ],
  [
    "SQLITE_READONLY_DBMOVED",
    "file-gone",
    "was moved, deleted or replaced while it was written to; put it back and run again: the run goes on where it stopped",
  ],
  [
    "SQLITE_READONLY",
    "not-writable",
    "cannot be written; change its permissions, or choose another file with --db",
  ],
  [
    "SQLITE_PERM",
    "not-writable",
    "cannot be written; change its permissions, or choose another file with --db",
  ],
  [
    "SQLITE_CANTOPEN",
    "cannot-open",
    "cannot be opened; check its path and permissions, or choose another file with --db",
  ],
  [
    "SQLITE_PROTOCOL",
    "locked",
    "is opened and closed by other programs faster than its lock can be had; run again, or choose another file with --db",
  ],
  [
    "SQLITE_NOMEM",
    "out-of-memory",
    "needs more memory than there is; free some, or let tasks send less at once (ctx.checkpoint)",
  ],
  [
    "SQLITE_NOLFS",
    "disk-full",
    "cannot grow: its file system does not take larger files; choose another disk with --db",
  ],
  [
    "SQLITE_FORMAT",
    "corrupt",
    'is a damaged SQLite database; restore a copy, or save what is readable with the sqlite3 program\'s ".recover"',
  ],
  [
    "SQLITE_IOERR_WRITE",
    "disk-full",
    "cannot be written: the disk is full, a limit for the size of files is reached, or the disk fails; make room, or choose another disk with --db",
  ],
  [
    "SQLITE_IOERR_SHMSIZE",
    "disk-full",
    "cannot be opened, for its -shm cannot be made: the disk is full, or a limit for the size of files is reached; make room, or choose another disk with --db",
  ],
  [
    "SQLITE_IOERR",
    "cannot-open",
    "cannot be read or written (an I/O error); check the disk, or choose another file with --db",
  ],
];

/**
 * What SQLite threw, as a StoreError that names the file. Anything else (a bug, a StoreError) is returned as it is.
 *
 * @param path the database as the user wrote it
 */
export function toStoreError(thrown: unknown, path: string): unknown {
  const code = sqliteCode(thrown);
  const row = known.find(([prefix]) => code?.startsWith(prefix) === true);
  if (row === undefined) return thrown;
  return new StoreError(row[1], `${path} ${row[2]} (${code})`, { cause: thrown });
}

/** Not the fault of a statement: the file, the disk or the memory cannot go on, so no later transaction would fare better. */
export const isFatal = (thrown: unknown): boolean =>
  thrown instanceof StoreError ||
  /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|NOMEM|CANTOPEN|PROTOCOL|FORMAT)/.test(
    sqliteCode(thrown) ?? "",
  );
