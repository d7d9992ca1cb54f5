// Programs that outlive the process whose tasks have started them. They are found by a variable that they have inherited.

import { systemClock } from "../base/clock.ts";
import { signalProcess } from "../base/process-group.ts";
import { markedProcesses } from "../base/process-mark.ts";

/** Programs end soon after their run, not with it. */
const endWithinMs = 3_000;
const lookEveryMs = 20;

/**
 * Waits for the programs, and ends those that run on. Linux only: elsewhere none is found.
 * @param name of the variable that they have inherited
 * @param mark its value
 * @returns how many had to be ended
 */
export async function endPrograms(name: string, mark: string): Promise<number> {
  const until = systemClock.now() + endWithinMs;
  let running = markedProcesses(mark, name);
  while (running.length > 0 && systemClock.now() < until) {
    await Bun.sleep(lookEveryMs);
    running = markedProcesses(mark, name);
  }
  for (const pid of running) signalProcess(pid, "SIGKILL");
  return running.length;
}
