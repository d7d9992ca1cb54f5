// Programs that user code has started by itself (`Bun.spawn`, `Bun.$`, `node:child_process`) and that go on when the run
// is over: a task that was cancelled, or whose thread was ended, has not waited for them. Known on Linux; elsewhere
// nothing tells who they are. What `sh` has started is ended by the run itself.

import { readdirSync, readFileSync } from "node:fs";

import { systemClock } from "../base/clock.ts";

const graceMs = 1000;
const lookMs = 10;

/** Ends every process that descends from this one: SIGTERM, and SIGKILL for what is there a second later. */
export async function endLeftChildren(): Promise<void> {
  if (process.platform !== "linux") return;
  // Twice: threads are ending, and a child of theirs moves to another thread's list.
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

/** Each thread has its own; proc_pid_children(5). */
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

/** @param gone when the process or thread has ended meanwhile, or the kernel does not tell */
function readAs<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch {
    return gone;
  }
}

/** A process that has ended and that nobody has waited for does not run. */
function runs(pid: number): boolean {
  const stat = readAs(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
