import type { Database } from "bun:sqlite";

import { type RunId, runId } from "../../../src/protocol/ids.ts";
import type { RunRequest, WriterOptions } from "../../../src/protocol/run-request.ts";
import { noReruns } from "../../../src/protocol/reruns.ts";
import { type RunLock, tryRunLock } from "../../../src/store/lock.ts";
import type { OpenTuning } from "../../../src/store/open-database.ts";
import { BusyHandler } from "../../../src/store/busy-handler.ts";
import { StoreError, type StoreErrorCode } from "../../../src/store/store-error.ts";
import type { StoredRun } from "../../../src/store/write/earlier-sessions.ts";

export const options = (db: string, more: Partial<WriterOptions> = {}): WriterOptions => ({
  db,
  wal: true,
  durability: "full",
  storeTaskStatus: true,
  ...more,
});

/** Where no lock is in the way. */
export const unlocked = new BusyHandler("a.db", {
  say: (_, line) => {
    throw new Error(`unexpected: ${line}`);
  },
  now: () => performance.now(),
  sleep: () => {
    throw new Error("a lock was in the way");
  },
  isGivenUp: () => false,
});

/** A run of a database that no other program locks. */
export const storedRun = (db: Database, run: RunId = runId(1), path = "a.db"): StoredRun => ({
  db,
  path,
  run,
  busyHandler: unlocked,
});

/** A test that waits for a lock on purpose waits this long. */
export const impatient: OpenTuning = { openTimeoutMs: 60, busyTimeoutMs: 60 };

/** The run's lock; throws if another run holds it. */
export function acquireRunLock(db: string, run: RunId): RunLock {
  const lock = tryRunLock(db, run);
  if (lock === undefined) throw new Error(`the lock of run ${run} is held`);
  return lock;
}

/** The StoreError that `act` throws; anything else fails the test. */
export function storeError(act: () => unknown): { code: StoreErrorCode; message: string } {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StoreError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

export const request = (more: Partial<RunRequest> = {}): RunRequest => ({
  pipeline: "posts",
  file: "/home/ada/etl.ts",
  params: '{"limit":3}',
  trigger: "cli",
  version: "1.2.3",
  canonicalParams: more.params ?? '{"limit":3}',
  code: null,
  tasks: [],
  reruns: noReruns,
  reuses: [],
  resume: "auto",
  scheduledFor: null,
  isAlone: false,
  wait: false,
  schema: null,
  keep: null,
  secrets: [],
  workers: 1,
  concurrency: 1,
  engine: "threads",
  ...more,
});
