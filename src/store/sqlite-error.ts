// SQLite's error codes, and what they mean for the database file: one table for the writer and the readers.

import { fileSizeLimitReached, openFilesLimitReached, openFilesProblem } from "../base/limits.ts";
import { codeOf } from "../base/system-error.ts";
import { lockedBy } from "./lock-holder.ts";

/** SQLite's code of an error, e.g. `SQLITE_BUSY`; undefined if SQLite did not throw it. */
export function sqliteCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? codeOf(thrown) : undefined;
  return code?.startsWith("SQLITE_") === true ? code : undefined;
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
  | "limit"
  | "locked"
  | "not-sqlite"
  | "not-writable"
  | "out-of-memory";

type Access = "writing" | "reading";

type KnownError = {
  /** Of SQLite's code. */
  readonly prefix: string;
  readonly problem: FileProblem;
  /** Follows the path in the message: the problem, then the next step. After "… is locked by …", only the next step. */
  readonly writing: string;
  /** Default: `writing`. */
  readonly reading?: string;
};

const damaged =
  'is a damaged SQLite database; restore a copy, or save what is readable with the sqlite3 program\'s ".recover"';
const notWritable =
  "cannot be written; check its permissions and whether its disk is read-only, or choose another file with --db";
const unfinished =
  "has a transaction of a program that died, and it cannot be undone because the file or its disk is read-only; copy it with its -journal and -wal to a folder that can be written";
const noTemporary =
  "cannot be read: there is no room for SQLite's temporary files; make room, or set SQLITE_TMPDIR to another folder";
const diskFull = "cannot grow: the disk is full; make room, or choose another disk with --db";

/** The first matching prefix counts. */
const knownErrors: readonly KnownError[] = [
  {
    prefix: "SQLITE_BUSY",
    problem: "locked",
    writing: "; wait for it to finish, close it, or choose another file with --db",
    reading: "; wait for it to finish, or close it",
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
    reading: "is not an SQLite database (or it is encrypted); give another file with --db",
  },
  { prefix: "SQLITE_CORRUPT", problem: "corrupt", writing: damaged },
  { prefix: "SQLITE_FULL", problem: "disk-full", writing: diskFull, reading: noTemporary },
  {
    prefix: "SQLITE_READONLY_DBMOVED",
    problem: "file-gone",
    writing:
      "was moved, deleted or replaced while it was written to; put it back and run again: the run goes on where it stopped",
  },
  {
    prefix: "SQLITE_READONLY",
    problem: "not-writable",
    writing: notWritable,
    reading: unfinished,
  },
  { prefix: "SQLITE_PERM", problem: "not-writable", writing: notWritable, reading: unfinished },
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
    reading: "needs more memory than there is; free some, or read less at once",
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
      "cannot be written: the disk or a quota is full, or the disk fails or has become read-only; make room, or choose another disk with --db",
    reading: noTemporary,
  },
  {
    prefix: "SQLITE_IOERR_SHMSIZE",
    problem: "disk-full",
    writing:
      "cannot be opened because its -shm cannot be created: the disk or a quota is full, or the disk fails; make room, or choose another disk with --db",
    reading:
      "cannot be read because its -shm cannot be created: the disk or a quota is full, or the disk fails; make room there",
  },
  {
    prefix: "SQLITE_IOERR",
    problem: "cannot-open",
    writing:
      "cannot be read or written (an I/O error); check the disk, or choose another file with --db",
    reading: "cannot be read (an I/O error); check the disk",
  },
  // Of the system, for the lock file and the like.
  { prefix: "ENOSPC", problem: "disk-full", writing: diskFull },
  { prefix: "EDQUOT", problem: "disk-full", writing: diskFull },
  { prefix: "EROFS", problem: "not-writable", writing: notWritable },
  {
    prefix: "EIO",
    problem: "cannot-open",
    writing:
      "cannot be read or written (an I/O error); check the disk, or choose another file with --db",
  },
];

/**
 * What an error of SQLite, or of the system, means for the file at `path`; undefined for anything else.
 *
 * @param path the database as the user wrote it
 */
export function explainFileError(
  thrown: unknown,
  path: string,
  access: Access,
): { readonly problem: FileProblem; readonly message: string } | undefined {
  const code = codeOf(thrown);
  if (code === undefined) return undefined;
  const limit = limitReached(code, path);
  if (limit !== undefined) {
    return { problem: "limit", message: `${path} cannot be used: ${limit} (${code})` };
  }
  const known = knownErrors.find(({ prefix }) => code.startsWith(prefix));
  if (known === undefined) return undefined;
  const { problem, writing, reading = writing } = known;
  const text = access === "reading" ? reading : writing;
  const subject = text.startsWith(";") ? lockedBy(path) : `${path} `;
  return { problem, message: `${subject}${text} (${code})` };
}

/** SQLite tells neither of the two limits that it meets. */
function limitReached(code: string, path: string): string | undefined {
  if (/^SQLITE_IOERR_(WRITE|SHMSIZE|TRUNCATE)/.test(code)) {
    return fileSizeLimitReached(["", "-wal", "-shm", "-journal"].map((suffix) => path + suffix));
  }
  return code.startsWith("SQLITE_CANTOPEN") ? openFilesLimitReached() : openFilesProblem(code);
}
