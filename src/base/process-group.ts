// A program together with the processes that it has started.

import { readdirSync } from "node:fs";

import { systemClock } from "./clock.ts";
import { Promise } from "./globals.ts";
import { processStat } from "./process-stat.ts";
import { codeOf } from "./system-error.ts";

const isWindows = process.platform === "win32";
const firstLookMs = 5;
const slowestLookMs = 100;

/** Signals one process. A process that is gone is no error. */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {}
}

/** Signals a process and all it has started. A process that is gone is no error. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (isWindows) {
      const force = signal === "SIGKILL" ? ["/f"] : [];
      Bun.spawnSync(["taskkill", "/pid", String(pid), "/t", ...force]);
    } else {
      process.kill(-pid, signal);
    }
  } catch {}
}

/**
 * Whether a process of the group runs, its leader or another.
 * Unknown on Windows: there are no groups, and children are found through their parent only.
 */
export function groupRuns(pid: number): boolean {
  if (isWindows) return false;
  try {
    process.kill(-pid, 0);
  } catch (error) {
    // EPERM: it runs under another user (sudo).
    return codeOf(error) === "EPERM";
  }
  // A signal also reaches a zombie, such as an orphan in a container without an init.
  return process.platform !== "linux" || hasRunningMember(pid);
}

function hasRunningMember(group: number): boolean {
  return readdirSync("/proc").some((entry) => {
    const stat = /^\d+$/.test(entry) ? processStat(Number(entry)) : undefined;
    return stat?.group === group && stat.runs;
  });
}

/** Ends the groups: SIGTERM, then SIGKILL for those that still run after the time. */
export async function endGroups(pids: readonly number[], withinMs: number): Promise<void> {
  for (const pid of pids) signalGroup(pid, "SIGTERM");
  await Promise.all(
    pids.map(async (pid) => {
      if (!(await untilGroupEnds(pid, withinMs))) signalGroup(pid, "SIGKILL");
    }),
  );
}

/** @returns whether the group has ended in that time */
export async function untilGroupEnds(pid: number, withinMs: number): Promise<boolean> {
  const until = systemClock.now() + withinMs;
  for (let pause = firstLookMs; groupRuns(pid); pause = Math.min(pause * 2, slowestLookMs)) {
    if (systemClock.now() >= until) return false;
    await Bun.sleep(pause);
  }
  return true;
}
