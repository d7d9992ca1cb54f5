import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { join } from "node:path";

import { runId } from "../../src/protocol/ids.ts";
import { isRunAlive, type RunProcess } from "../../src/store/liveness.ts";
import { isLockHeld, lockPath } from "../../src/store/lock.ts";
import { acquireRunLock } from "./write/options.ts";
import { processStartedAt } from "../../src/base/process-identity.ts";
import { startChild } from "./write/child.ts";
import { tempFolder } from "./write/temp-folder.ts";

const onPosix = process.platform !== "win32";

const ofProcess = (pid: number, more: Partial<RunProcess> = {}): RunProcess => ({
  id: runId(1),
  pid,
  host: hostname(),
  processStartedAt: processStartedAt(pid) ?? null,
  ...more,
});

test.if(onPosix)("a process that closed its lock file lives on, until it is killed", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  await using owner = await startChild(join(import.meta.dir, "lock-child.ts"), db, "1", "copies");
  const run = ofProcess(owner.pid);
  expect(owner.answer).toBe("held");
  // What this test is about: the kernel says that nobody holds it.
  expect(isLockHeld(db, run.id)).toBe(false);
  expect(isRunAlive(db, run)).toBe(true);
  await owner.kill();
  expect(isRunAlive(db, run)).toBe(false);
});

test.if(onPosix)("a pid that is used again is another process", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  await using owner = await startChild(join(import.meta.dir, "lock-child.ts"), db, "1", "copies");
  const run = ofProcess(owner.pid);
  expect(isRunAlive(db, { ...run, processStartedAt: `${run.processStartedAt}0` })).toBe(false);
  // Of another host, and of version 1, only the lock is known.
  expect(isRunAlive(db, { ...run, host: "elsewhere" })).toBe(false);
  expect(isRunAlive(db, { ...run, processStartedAt: null })).toBe(false);
});

test.if(onPosix)("a lock file that was deleted under a run does not make it dead", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  await using owner = await startChild(join(import.meta.dir, "lock-child.ts"), db, "1", "control");
  Bun.spawnSync(["rm", lockPath(db, runId(1))]);
  expect(isRunAlive(db, ofProcess(owner.pid))).toBe(true);
});

test("a run that has ended is over, although its process lives", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  const lock = acquireRunLock(db, runId(1));
  expect(isRunAlive(db, ofProcess(process.pid))).toBe(true);
  lock.release();
  expect(isRunAlive(db, ofProcess(process.pid))).toBe(false);
});

test.if(onPosix)("when a process started", async () => {
  const own = processStartedAt(process.pid);
  expect(own).toEqual(expect.any(String));
  expect(processStartedAt(process.pid)).toBe(own);
  const child = Bun.spawn(["sleep", "60"]);
  expect(processStartedAt(child.pid)).toEqual(expect.any(String));
  child.kill("SIGKILL");
  await child.exited;
  expect(processStartedAt(child.pid)).toBeUndefined();
});
