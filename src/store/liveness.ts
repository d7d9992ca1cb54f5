// Whether a run whose row says `running` is alive. A held lock proves that it is. A free lock does not prove death: on
// POSIX, a process drops its lock when any of its code closes the lock file (see lock.ts). So a run is dead only if its
// lock is free *and* its process is gone. For a process on another host, the lock alone decides.

import { hostname } from "node:os";

import { processStartedAt } from "../base/process-identity.ts";
import type { RunId } from "../protocol/ids.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { hasLeftFiles, isLockHeld } from "./lock.ts";
import { StoreError } from "./store-error.ts";

/** The process of a run's last session, from the run's row. */
export type RunProcess = {
  readonly id: RunId;
  readonly pid: number | null;
  readonly host: string | null;
  /** Opaque text of the operating system, only to be compared; null in a file of version 1. */
  readonly processStartedAt: string | null;
};

export function isRunAlive(db: string, run: RunProcess): boolean {
  if (db === ":memory:") return false;
  if (isLockHeld(db, run.id)) return true;
  // A process may outlive its run (a program that calls `runPipeline` and goes on). A run removes its files at its end.
  return hasLeftFiles(db, run.id) && isProcessAlive(run);
}

function isProcessAlive({ pid, host, processStartedAt: startedAt }: RunProcess): boolean {
  if (pid === null || startedAt === null || host !== hostname()) return false;
  return processStartedAt(pid) === startedAt;
}

const processOf = (run: LiveRun): string => {
  const where = run.host === null || run.host === hostname() ? "" : ` on ${run.host}`;
  return `${run.pid === null ? "" : `pid ${run.pid}${where}, `}since ${run.startedAt}`;
};

/** A run in another process, or elsewhere in this one. */
export type LiveRun = RunProcess & { readonly pipeline: string; readonly startedAt: string };

export class RunAliveError extends StoreError {
  readonly run: LiveRun;
  /**
   * @param path the database as the user wrote it
   * @param canBeFresh false: it is the run of a slot, and there is no other
   */
  constructor(path: string, run: LiveRun, canBeFresh = true) {
    super(
      "run-alive",
      `run ${run.id} of "${run.pipeline}" is going on in ${path} (${processOf(run)}): ` +
        `${pipeloomCommand("status", "--watch", "--run", run.id, ...dbFlag(path))} shows it, ` +
        `${pipeloomCommand("cancel", run.id, ...dbFlag(path))} ends it; ` +
        `--wait waits for its end${canBeFresh ? ", --fresh starts another run beside it" : ""}`,
    );
    this.run = run;
  }
}

/** A run that serve wants to begin, and another one that its schedule's `overlap` keeps it apart from. */
export class OverlapError extends StoreError {
  constructor(path: string, run: LiveRun) {
    super(
      "overlaps",
      `run ${run.id} of "${run.pipeline}" is going on in ${path} (${processOf(run)}), and the schedule's overlap is not "allow": ` +
        "serve starts this one afterwards",
    );
  }
}

/** The file is used by a run that goes on. */
export const isOfLiveRun = (thrown: unknown): boolean =>
  thrown instanceof RunAliveError || thrown instanceof OverlapError;
