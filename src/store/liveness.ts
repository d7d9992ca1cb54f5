// Whether a run whose row says `running` is alive. Its lock answers where it is held. Where it is free, the process may
// still live: on POSIX, code of its own that closed the lock file has dropped the lock (see lock.ts). So a run is dead
// only when its lock is free *and* its process is gone. Of a process on another host only the lock is known.

import { hostname } from "node:os";

import type { RunId } from "../protocol/ids.ts";
import { hasLeftFiles, isLockHeld } from "./lock.ts";
import { processStartedAt } from "../base/process-identity.ts";

/** What a run's row says of the process of its last session. */
export type RunProcess = {
  readonly id: RunId;
  readonly pid: number | null;
  readonly host: string | null;
  readonly processStartedAt: string | null;
};

export function isRunAlive(db: string, run: RunProcess): boolean {
  if (db === ":memory:") return false;
  if (isLockHeld(db, run.id)) return true;
  // A process may outlive its run (a program that calls `runPipeline` and goes on): an ended run has removed its files.
  return hasLeftFiles(db, run.id) && isProcessAlive(run);
}

function isProcessAlive({ pid, host, processStartedAt: startedAt }: RunProcess): boolean {
  if (pid === null || startedAt === null || host !== hostname()) return false;
  return processStartedAt(pid) === startedAt;
}
