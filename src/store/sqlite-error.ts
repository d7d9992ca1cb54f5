// SQLite's error codes, and what they mean for the database file: one table for the writer and the readers.

/** SQLite's code of an error, e.g. `SQLITE_BUSY`; undefined if SQLite did not throw it. */
export function sqliteCode(thrown: unknown): string | undefined {
  const code = errorCode(thrown);
  return code?.startsWith("SQLITE_") === true ? code : undefined;
}

/** Any error's `code`, e.g. `SQLITE_BUSY` or `ENOENT`. */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

export const isBusy = (thrown: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(thrown) ?? "");

/**
 * Another connection holds a lock and will release it. Two cases would wait for ever: SQLITE_LOCKED and "SQL statements in
 * progress" mean an open statement of this connection, and after SQLITE_BUSY_SNAPSHOT the transaction must start over.
 */
export const isWaitable = (thrown: unknown): boolean =>
  /^SQLITE_BUSY(?!_SNAPSHOT)/.test(sqliteCode(thrown) ?? "") &&
  !(thrown instanceof Error && thrown.message.includes("SQL statements in progress"));

/** A constraint or a trigger refused the rows. */
export const isConstraint = (thrown: unknown): boolean =>
  (sqliteCode(thrown) ?? "").startsWith("SQLITE_CONSTRAINT");

/** The file, the disk or the memory failed, not the statement: later transactions would fail too. */
export const isFileFailure = (thrown: unknown): boolean =>
  /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|NOMEM|CANTOPEN|PROTOCOL|FORMAT)/.test(
    sqliteCode(thrown) ?? "",
  );

export type FileProblem =
  | "cannot-open"
  | "corrupt"
  | "disk-full"
  | "file-gone"
  | "locked"
  | "not-sqlite"
  | "not-writable"
  | "out-of-memory";

type Access = "writing" | "reading";

type KnownError = {
  /** Of SQLite's code. */
  readonly prefix: string;
  readonly problem: FileProblem;
  /** Follows the path in the message: the problem, then the next step. */
  readonly writing: string;
  /** Absent: readers report SQLite's own message. */
  readonly reading?: string;
};

const damaged =
  'is a damaged SQLite database; restore a copy, or save what is readable with the sqlite3 program\'s ".recover"';

/** The first matching prefix counts. */
const knownErrors: readonly KnownError[] = [
  {
    prefix: "SQLITE_BUSY",
    problem: "locked",
    writing:
      "is locked by another program; wait for it to finish, close it, or choose another file with --db",
    reading: "is locked by another program; wait for it to finish, or close it",
  },
  {
    prefix: "SQLITE_LOCKED",
    problem: "locked",
    writing:
      "is locked by another connection of this program; close it, or choose another file with --db",
  },
  {
    prefix: "SQLITE_NOTADB",
    problem: "not-sqlite",
    writing: "is not an SQLite database (or it is encrypted); choose another file with --db",
    reading: "is not an SQLite database (or it is encrypted)",
  },
  { prefix: "SQLITE_CORRUPT", problem: "corrupt", writing: damaged, reading: damaged },
  {
    prefix: "SQLITE_FULL",
    problem: "disk-full",
    writing: "cannot grow: the disk is full; make room, or choose another disk with --db",
  },
  {
    prefix: "SQLITE_READONLY_DBMOVED",
    problem: "file-gone",
    writing:
      "was moved, deleted or replaced while it was written to; put it back and run again: the run goes on where it stopped",
  },
  {
    prefix: "SQLITE_READONLY",
    problem: "not-writable",
    writing: "cannot be written; change its permissions, or choose another file with --db",
  },
  {
    prefix: "SQLITE_PERM",
    problem: "not-writable",
    writing: "cannot be written; change its permissions, or choose another file with --db",
  },
  {
    prefix: "SQLITE_CANTOPEN",
    problem: "cannot-open",
    writing: "cannot be opened; check its path and permissions, or choose another file with --db",
    reading:
      "cannot be opened; check its permissions, and where its folder is read-only, copy it with its -wal to another one",
  },
  {
    prefix: "SQLITE_PROTOCOL",
    problem: "locked",
    writing:
      "is opened and closed by other programs faster than its lock can be had; run again, or choose another file with --db",
  },
  {
    prefix: "SQLITE_NOMEM",
    problem: "out-of-memory",
    writing:
      "needs more memory than there is; free some, or let tasks send less at once (ctx.checkpoint)",
  },
  {
    prefix: "SQLITE_NOLFS",
    problem: "disk-full",
    writing:
      "cannot grow: its file system does not take larger files; choose another disk with --db",
  },
  { prefix: "SQLITE_FORMAT", problem: "corrupt", writing: damaged },
  {
    prefix: "SQLITE_IOERR_WRITE",
    problem: "disk-full",
    writing:
      "cannot be written: the disk is full, a limit for the size of files is reached, or the disk fails; make room, or choose another disk with --db",
  },
  {
    prefix: "SQLITE_IOERR_SHMSIZE",
    problem: "disk-full",
    writing:
      "cannot be opened because its -shm cannot be created: the disk is full, or a limit for the size of files is reached; make room, or choose another disk with --db",
  },
  {
    prefix: "SQLITE_IOERR",
    problem: "cannot-open",
    writing:
      "cannot be read or written (an I/O error); check the disk, or choose another file with --db",
    reading: "cannot be read (an I/O error); check the disk",
  },
];

/**
 * What SQLite's error means for the file at `path`; undefined for anything else.
 *
 * @param path the database as the user wrote it
 */
export function explainFileError(
  thrown: unknown,
  path: string,
  access: Access,
): { readonly problem: FileProblem; readonly message: string } | undefined {
  const code = sqliteCode(thrown);
  if (code === undefined) return undefined;
  for (const { prefix, problem, [access]: text } of knownErrors) {
    if (text === undefined || !code.startsWith(prefix)) continue;
    return { problem, message: `${path} ${text} (${code})` };
  }
  return undefined;
}
