// Opens a database read-only, also while a run writes to it. The database does not change, and no file beside it outlives
// the connection. Only SQLite opens the file itself: on POSIX, closing it outside SQLite drops the locks that a writer in
// this process holds.

import { constants, Database } from "bun:sqlite";
import {
  accessSync,
  constants as fileConstants,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { codeOf } from "../../base/system-error.ts";
import { busyTimeoutMs, type BusyHandler } from "../busy-handler.ts";
import { sqliteCode } from "../sqlite-error.ts";
import { ReaderError, toReaderError } from "./reader-error.ts";

/**
 * @param busyHandler waits for locks; without it, a lock of more than 250 ms is an error
 * @throws ReaderError if `path` has no readable database
 */
export function openReadOnly(path: string, busyHandler: BusyHandler | undefined): Database {
  checkPath(path);
  const open = (): Database => openOrRecover(path);
  try {
    return busyHandler?.run(open) ?? open();
  } catch (thrown) {
    throw toReaderError(thrown, path);
  }
}

/** Also removes the empty -wal and the -shm: SQLite leaves them if the last connection to close is read-only. */
export function closeReadOnly(db: Database, path: string): void {
  db.close(true);
  if (look(`${path}-wal`)?.size === 0) asWriter(path);
}

function checkPath(path: string): void {
  if (path === ":memory:") {
    throw new ReaderError(
      "in-memory",
      ":memory: cannot be read from outside; give a file with --db",
    );
  }
  const stat = look(path);
  if (stat === undefined) {
    throw new ReaderError(
      "missing",
      `there is no database at ${path}; run a pipeline first, or give its path with --db`,
    );
  }
  if (stat.isDirectory()) {
    throw new ReaderError(
      "is-folder",
      `${path} is a folder; give the path of a database in it with --db`,
    );
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function openOrRecover(path: string): Database {
  // SQLite would create a -wal and a -shm with the rights of the file. They could not be removed, and a -shm that is read-only refuses
  // every writer when the file has become writable again.
  if (isWriteProtected(path)) return connectImmutable(path);
  try {
    return connect(path);
  } catch (thrown) {
    switch (sqliteCode(thrown) ?? "") {
      // A writer without WAL died in a transaction. Its journal must be rolled back before the file can be read.
      case "SQLITE_READONLY_ROLLBACK":
      case "SQLITE_READONLY_RECOVERY":
        asWriter(path);
        return connect(path);
      // In a read-only folder, SQLite cannot create the -shm that reading a closed WAL database needs.
      case "SQLITE_CANTOPEN":
      case "SQLITE_READONLY_DIRECTORY":
        if ((look(`${path}-wal`)?.size ?? 0) > 0) throw thrown;
        return connectImmutable(path);
      default:
        throw thrown;
    }
  }
}

/** Nobody can write to it, and nobody who could before has it open. */
function isWriteProtected(path: string): boolean {
  try {
    const real = realpathSync(path);
    if ((statSync(real).mode & anyWrite) !== 0) return false;
    if ([`${real}-wal`, `${real}-journal`].some((each) => look(each) !== undefined)) return false;
    // Root can write all the same.
    accessSync(real, fileConstants.W_OK);
    return false;
  } catch (thrown) {
    return ["EACCES", "EPERM", "EROFS"].includes(codeOf(thrown) ?? "");
  }
}

const anyWrite = 0o222;

/** Without locks and without a -shm: only for a file that no process can write to. */
const connectImmutable = (path: string): Database =>
  checked(
    new Database(
      `${pathToFileURL(resolve(path)).href}?immutable=1`,
      constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
    ),
  );

const connect = (path: string): Database =>
  checked(new Database(resolve(path), { readonly: true }));

function checked(db: Database): Database {
  try {
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    readSchema(db);
    return db;
  } catch (thrown) {
    db.close(true);
    throw thrown;
  }
}

/** SQLite opens the file at the first read, not at the connect. */
function readSchema(db: Database): void {
  using objects = db.prepare("SELECT COUNT(*) FROM sqlite_schema");
  objects.get();
}

/** A writing connection rolls back a dead writer's journal and removes an empty -wal; a read-only one must not. */
function asWriter(path: string): void {
  try {
    using db = new Database(resolve(path), { readwrite: true, create: false });
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
    readSchema(db);
  } catch {
    // The file may be read-only for this user. The read that follows reports what is wrong.
  }
}
