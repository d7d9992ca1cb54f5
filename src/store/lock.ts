// A run's lock: an empty SQLite file beside the database, in an exclusive transaction for the life of the run. The kernel
// frees the lock when the process ends, however it ends.
//
// Limit: on POSIX, a process loses its locks on a file when *any* of its code opens and closes that file outside SQLite.
// So this file opens a lock file that may be held only through SQLite. But a user's task may copy every file of the
// folder, so a free lock alone does not prove that the run is dead: see liveness.ts.

import { Database } from "bun:sqlite";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { controlPath } from "../protocol/control-file.ts";
import { type RunId, runId } from "../protocol/ids.ts";
import { isBusy, sqliteCode } from "./sqlite-error.ts";
import { StoreError, toStoreError } from "./store-error.ts";

export type RunLock = {
  /** Frees the lock and removes its file. May be called twice. */
  release(): void;
};

/** For `:memory:`, and for runs without history. */
export const noLock: RunLock = { release: () => {} };

/** Enough to wait for a probe, which holds a shared lock for microseconds. An owner holds its lock for the whole run. */
const acquireTimeoutMs = 250;
const maxTries = 20;

const realPath = (db: string): string => (existsSync(db) ? realpathSync(db) : db);

/** Beside the real file, so that two paths to one database have one lock. */
export function lockPath(db: string, run: RunId): string {
  const real = realPath(db);
  return join(dirname(real), `${basename(real)}-run${run}.lock`);
}

/**
 * Takes the lock of a run until `release` or the end of the process.
 *
 * @param db path of the database; `:memory:` needs no lock
 * @returns undefined if another process, or another run of this process, holds the lock
 * @throws StoreError if the lock file cannot be created
 */
export function tryRunLock(db: string, run: RunId): RunLock | undefined {
  if (db === ":memory:") return noLock;
  const path = lockPath(db, run);
  for (let tries = 0; tries < maxTries; tries++) {
    const before = identity(path) ?? create(path);
    if (before === undefined) continue;
    const held = hold(path);
    if (held === "busy") return undefined;
    if (held === "moved") continue;
    // The last owner may remove the file between the open and the lock: then this is the lock of a removed file.
    if (identity(path) === before) return heldLock(held, path, before);
    held.close(true);
  }
  return undefined;
}

/**
 * Whether a process holds this run's lock now; for whether the run is alive, see `isRunAlive`. The probe takes only a shared
 * lock on a read-only connection: probes do not disturb each other, create no file, and work in a read-only folder. A lock
 * file that cannot be opened (another user's) counts as held, because a run must never be started twice.
 */
export function isLockHeld(db: string, run: RunId): boolean {
  if (db === ":memory:") return false;
  const path = lockPath(db, run);
  if (!existsSync(path)) return false;
  try {
    using probe = new Database(path, { readonly: true });
    using read = probe.prepare("SELECT 1 FROM sqlite_schema");
    read.all();
    return false;
  } catch (thrown) {
    if (isBusy(thrown)) return true;
    return sqliteCode(thrown) === "SQLITE_CANTOPEN" && existsSync(path);
  }
}

/** A run removes its lock and control files at its end, and has at least one of them while it is alive. */
export const hasLeftFiles = (db: string, run: RunId): boolean =>
  existsSync(lockPath(db, run)) || existsSync(controlPath(realPath(db), run));

/** Runs with a lock or control file, dead or alive. Empty if the folder cannot be listed. */
export function runsWithFiles(db: string): ReadonlySet<RunId> {
  const found = new Set<RunId>();
  if (db === ":memory:") return found;
  const real = realPath(db);
  const start = `${basename(real)}-run`;
  for (const name of namesIn(dirname(real))) {
    if (!name.startsWith(start)) continue;
    const [, id] = /^([1-9]\d{0,14})\.(?:lock|control)$/.exec(name.slice(start.length)) ?? [];
    if (id !== undefined) found.add(runId(Number(id)));
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Removes the lock and control files that a killed run left. Files that cannot be removed (another user's) stay. The caller
 * knows that the run is dead, and prevents others from taking the lock meanwhile.
 */
export function removeStaleLock(db: string, run: RunId): void {
  if (db === ":memory:" || !hasLeftFiles(db, run) || isLockHeld(db, run)) return;
  remove(controlPath(realPath(db), run));
  try {
    tryRunLock(db, run)?.release();
  } catch {
    // The file does no harm: its run is dead.
  }
}

function identity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/** Undefined if another process created the file first. `wx` never opens an existing file, which may be locked. */
function create(path: string): string | undefined {
  try {
    closeSync(openSync(path, "wx"));
    return identity(path);
  } catch (thrown) {
    if (existsSync(path)) return undefined;
    throw cannotLock(path, thrown);
  }
}

function hold(path: string): Database | "busy" | "moved" {
  let db: Database | undefined;
  try {
    db = new Database(path, { readwrite: true, create: false });
    db.run(`PRAGMA busy_timeout = ${acquireTimeoutMs}`);
    // Otherwise a transaction in an empty file creates a journal, which would be left behind after a kill.
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN EXCLUSIVE");
    return db;
  } catch (thrown) {
    db?.close(true);
    if (isBusy(thrown)) return "busy";
    if (sqliteCode(thrown) === "SQLITE_CANTOPEN" && !existsSync(path)) return "moved";
    throw cannotLock(path, thrown);
  }
}

/** Keeps connections referenced: the garbage collector would close them, and their runs would look dead. */
const allHeld = new Set<Database>();

function heldLock(held: Database, path: string, own: string): RunLock {
  allHeld.add(held);
  return {
    release() {
      if (!allHeld.delete(held)) return;
      // Removed before it is freed: whoever locks it next sees that the file is gone.
      const removed = identity(path) === own && remove(path);
      held.close(true);
      // Windows removes no open file: neither before this close, nor once the next owner has opened it.
      if (!removed && process.platform === "win32") remove(path);
    },
  };
}

function remove(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}

function cannotLock(path: string, cause: unknown): StoreError {
  const known = toStoreError(cause, path);
  if (known instanceof StoreError) return known;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/ENOSPC|EDQUOT/.test(reason)) {
    return new StoreError(
      "disk-full",
      `cannot create ${path}: the disk is full (${reason}); make room, or choose another disk with --db`,
      { cause },
    );
  }
  return new StoreError(
    "not-writable",
    `cannot create ${path}, the lock that shows that a run is alive: ${reason}; ` +
      "make the folder writable, or choose another one with --db",
    { cause },
  );
}
