// The start time of a process as its system reports it. Pids are reused; a pid with its start time is unique.

import { readFileSync } from "node:fs";

import { processStat } from "./process-stat.ts";

/**
 * Undefined if there is no such process or its start time is unknown. Always undefined on Windows: there a process keeps
 * its lock for its whole life, so the lock is enough (see lock.ts).
 */
export function processStartedAt(pid: number): string | undefined {
  if (process.platform === "linux") return onLinux(pid);
  if (process.platform === "darwin") return onMacOs(pid);
  return undefined;
}

/** Clock ticks since boot, and the id of the boot: ticks repeat after a restart. */
function onLinux(pid: number): string | undefined {
  try {
    const stat = processStat(pid);
    if (stat?.startTicks === undefined || !stat.runs) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${stat.startTicks}`;
  } catch {
    return undefined;
  }
}

function onMacOs(pid: number): string | undefined {
  const { stdout, exitCode } = Bun.spawnSync(["/bin/ps", "-o", "lstart=", "-p", String(pid)], {
    // Without these, the text depends on the caller's language and time zone.
    env: { LC_ALL: "C", TZ: "UTC" },
    stderr: "ignore",
  });
  const text = stdout.toString().trim();
  return exitCode === 0 && text !== "" ? text : undefined;
}
