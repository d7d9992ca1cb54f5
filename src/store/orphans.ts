// Programs of `sh` that have outlived the process of their run, because the reaper process (worker/programs/program-reaper.ts)
// was killed too. They must end before their tasks start again. Linux only: see process-mark.ts.

import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { processStartedAt } from "../base/process-identity.ts";
import { signalProcess } from "../base/process-group.ts";
import { markedProcesses, markOf } from "../base/process-mark.ts";
import type { RunProcess } from "./liveness.ts";

/** A process that waits in the kernel ends later; nobody waits for it. */
const endWithinMs = 2_000;
const pollMs = 5;

/** Ends the programs of a process that is gone. @returns their process ids */
export function endOrphans({ pid, host, processStartedAt: startedAt }: RunProcess): number[] {
  if (pid === null || startedAt === null || host !== hostname()) return [];
  // A process may outlive its run (a program that calls `runPipeline`), and run another.
  if (processStartedAt(pid) === startedAt) return [];
  const mark = markOf(pid, startedAt);
  const ended = new Set<number>();
  const until = systemClock.now() + endWithinMs;
  for (;;) {
    const left = markedProcesses(mark);
    if (left.length === 0 || systemClock.now() > until) return [...ended];
    for (const orphan of left) {
      ended.add(orphan);
      signalProcess(orphan, "SIGKILL");
    }
    Bun.sleepSync(pollMs);
  }
}
