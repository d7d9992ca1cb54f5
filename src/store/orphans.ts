// Programs of `sh` that have outlived the process of their run, because the reaper process (worker/programs/program-reaper.ts)
// was killed too. They must end before their tasks start again. Linux only: see process-mark.ts.

import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { processStartedAt } from "../base/process-identity.ts";
import { markedProcesses, markOf } from "../base/process-mark.ts";
import type { RunProcess } from "./liveness.ts";

/** A process that waits in the kernel ends later; nobody waits for it. */
const patienceMs = 2_000;
const pollMs = 5;

/** Ends the programs of a process that is gone. @returns their process ids */
export function endOrphans({ pid, host, processStartedAt: startedAt }: RunProcess): number[] {
  if (pid === null || startedAt === null || host !== hostname()) return [];
  // A process may outlive its run (a program that calls `runPipeline`), and run another.
  if (processStartedAt(pid) === startedAt) return [];
  const mark = markOf(pid, startedAt);
  const ended = new Set<number>();
  const until = systemClock.now() + patienceMs;
  for (;;) {
    const left = markedProcesses(mark);
    if (left.length === 0 || systemClock.now() > until) return [...ended];
    for (const orphan of left) {
      ended.add(orphan);
      kill(orphan);
    }
    Bun.sleepSync(pollMs);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
