// When a process started, in the words of its system: a pid alone is used again, a pid with this is not.

import { readFileSync } from "node:fs";

/**
 * Undefined when there is no such process, or the system does not say. Windows is not asked: there no process loses its
 * lock while it lives, so the lock alone is enough (see lock.ts).
 */
export function processStartedAt(pid: number): string | undefined {
  if (process.platform === "linux") return onLinux(pid);
  if (process.platform === "darwin") return onMacOs(pid);
  return undefined;
}

/** Clock ticks since the boot, and which boot: ticks alone come again after a restart. */
function onLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name stands in parentheses and may hold anything; field 3 follows it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    // A zombie holds no lock and runs nothing.
    if (ticks === undefined || state === "Z" || state === "X") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
  } catch {
    return undefined;
  }
}

function onMacOs(pid: number): string | undefined {
  const { stdout, exitCode } = Bun.spawnSync(["/bin/ps", "-o", "lstart=", "-p", String(pid)], {
    // The text follows the language and the time zone of whoever asks.
    env: { LC_ALL: "C", TZ: "UTC" },
    stderr: "ignore",
  });
  const text = stdout.toString().trim();
  return exitCode === 0 && text !== "" ? text : undefined;
}
