// Opens the database that a run writes to. Everything that can be wrong with it is found while it is only read, so
// that a file which is refused stays byte for byte as it was, and a file that was not there is not left behind. A file
// that exists is opened by SQLite alone: see the limit in lock.ts.

import { constants, Database } from "bun:sqlite";
import {
  accessSync,
  closeSync,
  constants as fs,
  existsSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import type { WriterOptions } from "../protocol/messages.ts";
import { migrate, schemaVersion } from "./migrate.ts";
import { busyTimeoutMs } from "./patience.ts";
import { isBusy, sqliteCode } from "./sqlite-error.ts";
import { StoreError, toStoreError } from "./store-error.ts";

export type OpenTuning = {
  /** How long opening waits for other programs' locks. */
  readonly openTimeoutMs: number;
  /** How long a transaction of the run waits for them: another run's, or a person's in the sqlite3 program. */
  readonly busyTimeoutMs: number;
};

const defaultTuning: OpenTuning = { openTimeoutMs: 5_000, busyTimeoutMs };
/** For who asks again as long as it takes, and is not deaf meanwhile. */
export const shortTuning: OpenTuning = { openTimeoutMs: 500, busyTimeoutMs };

/** 8 MiB: appended pages need little, and an upsert into a large table has the operating system's cache behind it. */
const cacheKib = 8_192;

/**
 * 16 MiB of 4 KiB pages between checkpoints: each page that is rewritten meanwhile reaches the file once, and the WAL is
 * cut back to its limit when it restarts. A reader that stays in one transaction pins the WAL, and it grows until that
 * reader is done: see wal.ts for what the writer does about it.
 */
const checkpointPages = 4_096;
export const walLimitBytes = 64 * 1024 * 1024;

/**
 * The one connection that writes, with pipeloom's tables in place (unless `storeTaskStatus` is off: then the file is the
 * user's alone). `user_version` and `application_id` are never touched.
 *
 * @param check throws what speaks against using a file that is there; called while it is only read
 * @throws StoreError when the file cannot be used; it is then as it was, or still absent
 */
export function openDatabase(
  options: WriterOptions,
  tuning: OpenTuning = defaultTuning,
  check: (db: Database) => void = () => undefined,
): Database {
  if (options.db === ":memory:") return prepare(new Database(":memory:", flags), options, tuning);
  checkPath(options.db);
  const created = createFile(options.db);
  let db: Database | undefined;
  try {
    if (!created) inspect(options, tuning, check);
    db = new Database(options.db, flags);
    return prepare(db, options, tuning);
  } catch (thrown) {
    const untouched = created && (db === undefined || isEmpty(db, options.db));
    db?.close(true);
    if (untouched) removeFile(options.db);
    throw toStoreError(thrown, options.db);
  }
}

/** `strict`: a parameter that is not given is an error, not NULL. */
const flags = { readwrite: true, create: false, strict: true } as const;

function prepare(db: Database, options: WriterOptions, tuning: OpenTuning): Database {
  db.run(`PRAGMA busy_timeout = ${tuning.openTimeoutMs}`);
  setJournal(db, options, tuning);
  if (options.storeTaskStatus) migrate(db, options.db);
  setDurability(db, options);
  db.run("PRAGMA foreign_keys = ON");
  db.run(`PRAGMA cache_size = -${cacheKib}`);
  db.run(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.run(`PRAGMA journal_size_limit = ${walLimitBytes}`);
  // Last: it also ends the patience of opening.
  db.run(`PRAGMA busy_timeout = ${tuning.busyTimeoutMs}`);
  return db;
}

function setDurability(db: Database, { durability, wal }: WriterOptions): void {
  switch (durability) {
    case "full":
      // Without WAL, a commit is the end of its journal: EXTRA makes that survive a power cut too.
      db.run(`PRAGMA synchronous = ${wal ? "FULL" : "EXTRA"}`);
      // On macOS an fsync stops at the drive's cache; elsewhere these do nothing.
      db.run("PRAGMA fullfsync = ON");
      db.run("PRAGMA checkpoint_fullfsync = ON");
      return;
    case "normal":
      db.run("PRAGMA synchronous = NORMAL");
  }
}

// ── the path ───────────────────────────────────────────────────────────────────────────────────────────

function checkPath(path: string): void {
  if (path === "") throw new StoreError("no-path", "--db is empty; give a path, or :memory:");
  const stat = look(path);
  if (stat === undefined) return checkParent(path);
  if (stat.isDirectory()) {
    throw new StoreError(
      "is-folder",
      `${path} is a folder; give the path of a file in it, like ${path.replace(/[/\\]+$/, "")}/pipeloom.db`,
    );
  }
  if (!stat.isFile()) {
    throw new StoreError("not-a-file", `${path} is not a regular file; choose another with --db`);
  }
  // A second name has a -wal of its own: rows that were written under the one are lost under the other.
  if (stat.nlink > 1) {
    throw new StoreError(
      "hard-linked",
      `${path} has another name (a hard link), and SQLite would keep two journals for it; ` +
        "copy it to a file of its own, or choose another with --db",
    );
  }
  checkWritable(path, path);
  return checkParent(path);
}

/** Undefined when there is nothing there, or a file stands where a folder should. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "ENOTDIR") return undefined;
    throw new StoreError(
      "cannot-open",
      `${path} cannot be looked at (${code}); check the path and its permissions, or choose another with --db`,
      { cause },
    );
  }
}

function checkParent(path: string): void {
  const folder = dirname(resolve(path));
  const stat = look(folder);
  if (stat === undefined || !stat.isDirectory()) {
    const what = stat === undefined ? "does not exist" : "is a file, not a folder";
    throw new StoreError(
      "no-folder",
      `cannot open ${path}: ${folder} ${what}; make the folder first, or choose another path with --db`,
    );
  }
  checkWritable(folder, path);
}

/** The folder too: SQLite keeps its journal beside the file. */
function checkWritable(target: string, path: string): void {
  try {
    accessSync(target, fs.W_OK);
  } catch (cause) {
    throw notWritable(target, path, cause);
  }
}

function notWritable(target: string, path: string, cause: unknown): StoreError {
  const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  if (/ENOSPC|EDQUOT/.test(reason)) {
    return new StoreError(
      "disk-full",
      `${path} cannot be made: the disk is full${reason}; make room, or choose another disk with --db`,
      { cause },
    );
  }
  const what = target === path ? path : `${path}: its folder ${target}`;
  return new StoreError(
    "not-writable",
    `${what} cannot be written${reason}; change its permissions, or choose another path with --db`,
    { cause },
  );
}

/** True when the file is ours to remove again. Exclusive, so that two runs that start at once do not both think so. */
function createFile(path: string): boolean {
  if (existsSync(path)) return false;
  try {
    closeSync(openSync(path, "wx"));
    return true;
  } catch (cause) {
    // Another run made it a moment ago, or it is a link to a file that is not there: SQLite will tell.
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw notWritable(dirname(resolve(path)), path, cause);
  }
}

/** One page is the header; a table needs another. */
const pageBytes = 4_096;

/** False when it cannot be known, or another run has begun to use the file that we made. */
function isEmpty(db: Database, path: string): boolean {
  try {
    using objects = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1");
    return objects.get() === null;
  } catch (thrown) {
    // On a full disk a file in WAL mode cannot be read: there is no room for its -shm.
    return !isBusy(thrown) && sizeOf(path) <= pageBytes && sizeOf(`${path}-wal`) === 0;
  }
}

const sizeOf = (path: string): number => look(path)?.size ?? 0;

export function removeFile(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    try {
      rmSync(path + suffix, { force: true });
    } catch {
      // It is not a file of SQLite's, or it is held: why opening failed is what matters now.
    }
  }
}

// ── before anything is written ─────────────────────────────────────────────────────────────────────────

/**
 * Reads the schema through a read-only connection: it neither changes the journal mode nor, as the last one to close
 * would, moves a dead run's WAL into the file.
 */
function inspect(
  { db: path, storeTaskStatus }: WriterOptions,
  tuning: OpenTuning,
  check: (db: Database) => void,
): void {
  const hadWal = existsSync(`${path}-wal`);
  try {
    using db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${tuning.openTimeoutMs}`);
    if (storeTaskStatus) schemaVersion(db, path);
    else readSchema(db);
    check(db);
  } catch (thrown) {
    // A dead writer's journal must be rolled back first, which only a writer can: nothing is to be kept as it is.
    if (sqliteCode(thrown) === "SQLITE_READONLY_ROLLBACK") return;
    if (!hadWal) removeSidecars(path);
    throw thrown;
  }
}

function readSchema(db: Database): void {
  using objects = db.prepare("SELECT name FROM sqlite_schema");
  objects.all();
}

/** A read-only connection leaves the empty -wal and -shm that it had to make; the last writing one removes them. */
function removeSidecars(path: string): void {
  if (!existsSync(`${path}-wal`)) return;
  try {
    using db = new Database(path, flags);
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
    readSchema(db);
  } catch {
    // What is wrong with the file is already being said.
  }
}

// ── the journal ────────────────────────────────────────────────────────────────────────────────────────

const retryMs = 20;

/**
 * Changing the mode needs the file for ourselves for a moment, and SQLite does not always wait for that by itself.
 * A database in memory keeps its own.
 */
function setJournal(db: Database, { db: path, wal }: WriterOptions, tuning: OpenTuning): void {
  const wanted = wal ? "wal" : "delete";
  const deadline = systemClock.now() + tuning.openTimeoutMs;
  for (;;) {
    const mode = tryJournal(db, wanted);
    if (mode === wanted || mode === "memory") return;
    if (mode !== "busy") throw journalRefused(path, wanted, mode);
    if (systemClock.now() >= deadline) throw journalBusy(path, wanted);
    Bun.sleepSync(retryMs);
  }
}

function tryJournal(db: Database, wanted: "wal" | "delete"): string {
  try {
    using pragma = db.prepare<{ journal_mode: string }, []>(`PRAGMA journal_mode = ${wanted}`);
    return pragma.get()?.journal_mode ?? "unknown";
  } catch (thrown) {
    if (isBusy(thrown)) return "busy";
    throw thrown;
  }
}

const journalBusy = (path: string, wanted: "wal" | "delete"): StoreError =>
  new StoreError(
    "locked",
    wanted === "wal"
      ? `${path} is in use by another program, so it cannot be switched to WAL; close that program, or use --no-wal`
      : `${path} is in WAL mode and in use by another program, so it cannot leave it; close that program, or leave out --no-wal`,
  );

const journalRefused = (path: string, wanted: "wal" | "delete", mode: string): StoreError =>
  new StoreError(
    "cannot-open",
    `${path} stays in journal mode "${mode}" and cannot be switched to "${wanted}"; ` +
      "a network folder may not support WAL: use --no-wal, or choose a local disk with --db",
  );
