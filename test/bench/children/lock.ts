// Takes the lock of a run that was killed, as the next run does: is it alive (its lock, its process), then the lock. The limit
// is a bare exclusive transaction on a file that is there.
//
//   bun lock.ts <rounds>

import { Database } from "bun:sqlite";
import { closeSync, mkdtempSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { isRunAlive } from "../../../src/store/liveness.ts";
import { lockPath, tryRunLock } from "../../../src/store/lock.ts";
import { runId } from "../../../src/protocol/ids.ts";

const rounds = Number(process.argv[2] ?? 50);
const folder = mkdtempSync("locks-");

const { pid } = Bun.spawnSync(["true"]);
/** The process had a start time, and has ended. */
const dead = { pid, host: hostname(), processStartedAt: "1" };

/** A killed run leaves an empty file. */
const leave = (path: string): void => closeSync(openSync(path, "wx"));

function bareMs(path: string): number {
  leave(path);
  const began = performance.now();
  using db = new Database(path, { readwrite: true, create: false });
  db.run("PRAGMA journal_mode = MEMORY");
  db.run("BEGIN EXCLUSIVE");
  return performance.now() - began;
}

function lockMs(db: string): number {
  const id = runId(1);
  leave(lockPath(db, id));
  const began = performance.now();
  if (isRunAlive(db, { id, ...dead })) throw new Error("the dead run is alive");
  const lock = tryRunLock(db, id);
  const ms = performance.now() - began;
  if (lock === undefined) throw new Error("somebody has the lock");
  if (!isRunAlive(db, { id, ...dead })) throw new Error("a run that holds its lock is dead");
  lock.release();
  return ms;
}

// The writer's thread does so before it is told of a database.
new Database(":memory:").close();
const first = lockMs(join(folder, "first.db"));
const locks: number[] = [];
const bares: number[] = [];
for (let round = 0; round < rounds; round++) {
  bares.push(bareMs(join(folder, `bare-${round}.lock`)));
  locks.push(lockMs(join(folder, `round-${round}.db`)));
}
console.log(JSON.stringify({ first, locks, bares }));
