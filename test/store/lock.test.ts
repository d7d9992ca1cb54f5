import { expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runId } from "../../src/protocol/ids.ts";
import { isLockHeld, lockPath, removeStaleLock, tryRunLock } from "../../src/store/lock.ts";
import { type Child, startChild } from "./write/child.ts";
import { acquireRunLock, storeError } from "./write/options.ts";
import { tempFolder } from "./write/temp-folder.ts";

const one = runId(1);

/** A process that has answered: it holds the lock, or another does. */
const contender = (db: string): Promise<Child> =>
  startChild(join(import.meta.dir, "lock-child.ts"), db, "1");

test("a lock is seen while it is held, and leaves nothing", () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  writeFileSync(db, "");
  expect(isLockHeld(db, one)).toBe(false);
  expect(folder.list()).toEqual(["a.db"]);
  const lock = acquireRunLock(db, one);
  expect(isLockHeld(db, one)).toBe(true);
  expect(isLockHeld(db, runId(2))).toBe(false);
  expect(folder.list()).toEqual(["a.db", "a.db-run1.lock"]);
  lock.release();
  expect(isLockHeld(db, one)).toBe(false);
  expect(folder.list()).toEqual(["a.db"]);
});

test("one owner at a time, in one process too", () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  const lock = acquireRunLock(db, one);
  expect(tryRunLock(db, one)).toBeUndefined();
  lock.release();
  const next = acquireRunLock(db, one);
  lock.release();
  expect(isLockHeld(db, one)).toBe(true);
  next.release();
});

test("a killed process is not alive, and its lock can be taken", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  await using owner = await contender(db);
  expect(owner.answer).toBe("held");
  expect(isLockHeld(db, one)).toBe(true);
  await using other = await contender(db);
  expect(other.answer).toBe("busy");
  await owner.kill();
  expect(isLockHeld(db, one)).toBe(false);
  expect(folder.list()).toEqual(["a.db-run1.lock"]);
  acquireRunLock(db, one).release();
  expect(folder.list()).toEqual([]);
});

test("of several processes that want it at once, one gets it", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  writeFileSync(lockPath(db, one), "");
  await using stack = new AsyncDisposableStack();
  const all = await Promise.all([contender(db), contender(db), contender(db), contender(db)]);
  for (const each of all) stack.use(each);
  expect(all.map(({ answer }) => answer).toSorted()).toEqual(["busy", "busy", "busy", "held"]);
});

test("two paths to one database have one lock", () => {
  using folder = tempFolder();
  writeFileSync(folder.file("a.db"), "");
  symlinkSync(folder.file("a.db"), folder.file("b.db"));
  const lock = acquireRunLock(folder.file("b.db"), one);
  expect(isLockHeld(folder.file("a.db"), one)).toBe(true);
  lock.release();
});

test("a lock file that vanished under its owner counts as dead, and the owner does not remove a newer one", () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  const first = acquireRunLock(db, one);
  Bun.spawnSync(["rm", lockPath(db, one)]);
  expect(isLockHeld(db, one)).toBe(false);
  const second = acquireRunLock(db, one);
  first.release();
  expect(isLockHeld(db, one)).toBe(true);
  second.release();
});

test("the file of a dead run is taken away, that of a living one is not", () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  writeFileSync(lockPath(db, runId(2)), "");
  const lock = acquireRunLock(db, one);
  for (const id of [1, 2, 3]) removeStaleLock(db, runId(id));
  expect(folder.list()).toEqual(["a.db-run1.lock"]);
  lock.release();
});

test("no lock for :memory:", () => {
  const lock = acquireRunLock(":memory:", one);
  expect(isLockHeld(":memory:", one)).toBe(false);
  lock.release();
});

test("a folder that is not there", () => {
  using folder = tempFolder();
  expect(storeError(() => acquireRunLock(folder.file("no/a.db"), one)).code).toBe("not-writable");
  expect(isLockHeld(folder.file("no/a.db"), one)).toBe(false);
});
