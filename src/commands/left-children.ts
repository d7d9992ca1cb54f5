// Child processes of user code (`Bun.spawn`, `Bun.$`, `node:child_process`) that outlive the run, because their task was
// cancelled or its thread terminated. Linux only: other systems do not list descendants. The run itself ends programs of
// `sh`.

import { readdirSync, readFileSync } from "node:fs";

import { systemClock } from "../base/clock.ts";

const graceMs = 1000;
const lookMs = 10;

/** Sends SIGTERM to all descendants of this process, and SIGKILL to those that are alive 1 s later. */
export async function endLeftChildren(): Promise<void> {
  if (process.platform !== "linux") return;
  // Listed twice: when a thread ends, its children move to the list of another thread.
  const found = [...descendantsOf(process.pid), ...descendantsOf(process.pid)];
  const left = [...new Set(found)].filter(runs);
  for (const pid of left) signal(pid, "SIGTERM");
  const until = systemClock.now() + graceMs;
  while (left.some(runs) && systemClock.now() < until) await Bun.sleep(lookMs);
  for (const pid of left.filter(runs)) signal(pid, "SIGKILL");
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Each thread has its own list of children, see proc_pid_children(5). */
function childrenOf(pid: number): number[] {
  return readAs(
    () => readdirSync(`/proc/${pid}/task`).flatMap((thread) => childrenOfThread(pid, thread)),
    [],
  );
}

const childrenOfThread = (pid: number, thread: string): number[] =>
  readAs(() => {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8");
    return children
      .split(" ")
      .filter((child) => child !== "")
      .map(Number);
  }, []);

/** @param gone the result when the process or thread has ended, or the kernel has no such list */
function readAs<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch {
    return gone;
  }
}

/** A zombie does not run. */
function runs(pid: number): boolean {
  const stat = readAs(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended.
  }
}
