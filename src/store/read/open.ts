// Opens a database to look at it, while it is written or not. Nothing of it is changed, nothing is created beside it for
// longer than it is open. The file itself is opened by SQLite alone: on POSIX, closing it in any other way would drop the
// locks that a writer in this process holds.

import { constants, Database } from "bun:sqlite";
import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { ReaderError, sqliteCode, toReaderError } from "./reader-error.ts";

/** A writer's transactions are short; a switch of the journal mode or another program's lock may take longer. */
const busyTimeoutMs = 5_000;

/**
 * @throws ReaderError when there is nothing to read at `path`
 */
export function openReadOnly(path: string): Database {
  checkPath(path);
  try {
    return openOrRecover(path);
  } catch (thrown) {
    throw toReaderError(thrown, path);
  }
}

/** Closes it, and takes away the -wal and -shm that a read-only connection leaves when it is the last. */
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
  try {
    return connect(path);
  } catch (thrown) {
    switch (sqliteCode(thrown)) {
      // A writer without WAL died in a transaction, and its journal must be rolled back before anyone can read.
      case "SQLITE_READONLY_ROLLBACK":
      case "SQLITE_READONLY_RECOVERY":
        asWriter(path);
        return connect(path);
      // In a read-only folder a WAL database that nobody has open cannot be read the usual way, for want of a -shm.
      case "SQLITE_CANTOPEN":
      case "SQLITE_READONLY_DIRECTORY":
        if ((look(`${path}-wal`)?.size ?? 0) > 0) throw thrown;
        return connectImmutable(path);
      default:
        throw thrown;
    }
  }
}

/** For a file that nobody can be writing to: without locks, and without a -shm. */
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

/** The first read: SQLite looks at the file only now. */
function readSchema(db: Database): void {
  using objects = db.prepare("SELECT COUNT(*) FROM sqlite_schema");
  objects.get();
}

/** Lets SQLite do what only a writing connection may: roll a dead writer's journal back, remove an empty -wal. */
function asWriter(path: string): void {
  try {
    using db = new Database(resolve(path), { readwrite: true, create: false });
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
    readSchema(db);
  } catch {
    // It may not be writable for us. Reading says what there is to say.
  }
}
