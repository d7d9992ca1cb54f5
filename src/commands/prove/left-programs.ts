// Programs that outlive the process whose tasks have started them. They are found by a variable that they have inherited.

import { readdirSync, readFileSync } from "node:fs";

import { systemClock } from "../../base/clock.ts";

/** Programs end soon after their run, not with it. */
const patienceMs = 3_000;
const lookEveryMs = 20;

/**
 * Waits for the programs, and ends those that run on. Linux only: elsewhere none is found.
 * @param variable `NAME=value`
 * @returns how many had to be ended
 */
export async function endPrograms(variable: string): Promise<number> {
  if (process.platform !== "linux") return 0;
  const until = systemClock.now() + patienceMs;
  let running = programsWith(variable);
  while (running.length > 0 && systemClock.now() < until) {
    await Bun.sleep(lookEveryMs);
    running = programsWith(variable);
  }
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  return running.length;
}

const programsWith = (variable: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`${variable}\0`))
    .map(Number);

/** Empty for a process of another user, and for one that has ended. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}
