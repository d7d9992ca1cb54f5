// A run's liveness: an empty SQLite file beside the database, held in an exclusive transaction for the run's life.
// The kernel frees the lock when the process ends, however it ends.
//
// Limit: on POSIX a process loses its locks on a file when *any* of its code opens and closes that file outside
// SQLite. So nothing here opens a lock file that may be held other than through SQLite. A user's task that copies
// every file of the folder does, so a free lock alone is no proof of death: see liveness.ts.

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

import { controlPath } from "../protocol/control.ts";
import { type RunId, runId } from "../protocol/ids.ts";
import { isBusy, sqliteCode } from "./sqlite-error.ts";
import { StoreError, toStoreError } from "./store-error.ts";

export type RunLock = {
  /** Frees the lock and removes its file. Safe to call twice. */
  release(): void;
};

/** For a database that no other process can see. */
export const noLock: RunLock = { release: () => {} };

/** A probe holds its shared lock for microseconds; an owner holds its exclusive one for a run. */
const acquireTimeoutMs = 250;
const maxTries = 20;

const realPath = (db: string): string => (existsSync(db) ? realpathSync(db) : db);

/** Beside the real file, so that two paths to one database agree. */
export function lockPath(db: string, run: RunId): string {
  const real = realPath(db);
  return join(dirname(real), `${basename(real)}-run${run}.lock`);
}

/**
 * Takes the lock of a run, for as long as the process lives or until `release`.
 *
 * @param db path of the database; `:memory:` needs no lock
 * @returns undefined when another process (or another run of this one) holds it
 * @throws StoreError when the lock file cannot be made
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
    // Its last owner may have removed the file between our opening and our locking: then we hold a ghost.
    if (identity(path) === before) return heldLock(held, path, before);
    held.close(true);
  }
  return undefined;
}

/**
 * `tryRunLock` that insists.
 *
 * @throws StoreError `run-alive`
 */
export function acquireRunLock(db: string, run: RunId): RunLock {
  const lock = tryRunLock(db, run);
  if (lock === undefined) throw new StoreError("run-alive", `run ${run} in ${db} is still running`);
  return lock;
}

/**
 * Whether some process holds this run's lock now. Whether the run is alive, `isRunAlive` says. Opens read-only and takes no
 * more than a shared lock, so probes do not see each other, nothing is made, and a folder that cannot be written is no
 * obstacle. A lock file that cannot be opened at all (another user's) counts as held: a run must never be started twice.
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

/** A run removes its lock file when it ends, and its control file too: one of them is there while it lives. */
export const hasLeftFiles = (db: string, run: RunId): boolean =>
  existsSync(lockPath(db, run)) || existsSync(controlPath(realPath(db), run));

/** Runs that have such a file, living ones too. Empty where the folder cannot be listed. */
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
 * Takes away the lock and control files that a killed run left. Those that cannot be removed (another user's) stay.
 * Only for one who knows that the run is dead, and who keeps others from taking that lock meanwhile.
 */
export function removeStaleLock(db: string, run: RunId): void {
  if (db === ":memory:" || !hasLeftFiles(db, run) || isLockHeld(db, run)) return;
  remove(controlPath(realPath(db), run));
  try {
    tryRunLock(db, run)?.release();
  } catch {
    // It is no obstacle: its run is dead.
  }
}

function identity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/** Undefined when someone else was first. Exclusive, so a file that may be locked is never opened here. */
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
    // Without it, beginning a transaction in an empty file makes a journal, and a kill would leave it.
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

/** A connection that nothing refers to is closed by the garbage collector, and the run would look dead. */
const allHeld = new Set<Database>();

function heldLock(held: Database, path: string, own: string): RunLock {
  allHeld.add(held);
  return {
    release() {
      if (!allHeld.delete(held)) return;
      // Removed before it is freed: whoever locks it afterwards sees that it is gone.
      const removed = identity(path) === own && remove(path);
      held.close(true);
      // Windows does not remove a file that is open, nor one that the next owner has opened.
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
      `cannot make ${path}: the disk is full (${reason}); make room, or choose another disk with --db`,
      { cause },
    );
  }
  return new StoreError(
    "not-writable",
    `cannot make ${path}, by which a run is known to be alive: ${reason}; ` +
      "make the folder writable, or choose another one with --db",
    { cause },
  );
}
