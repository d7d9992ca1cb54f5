// Child processes of user code (`Bun.spawn`, `Bun.$`, `node:child_process`) that outlive the run, because their task was
// cancelled or its thread terminated, and processes of `sh` that have left their group. Linux only: other systems do not
// list descendants, and do not show their environment. The run itself ends the groups of `sh`.

import { readdirSync, readFileSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { signalProcess } from "../base/process-group.ts";
import { processStartedAt } from "../base/process-identity.ts";
import { hasMark, markOf } from "../base/process-mark.ts";
import { processStat } from "../base/process-stat.ts";
import type { Programs } from "../protocol/shared/programs.ts";

const graceMs = 1000;
const lookMs = 10;

/**
 * Sends SIGTERM to all descendants of this process, and SIGKILL to those that are alive 1 s later.
 * @param spared a child that is not the user's, with what it has started
 */
export async function endLeftChildren({ reaper }: Programs, spared?: number): Promise<void> {
  if (process.platform !== "linux") return;
  // Listed twice: when a thread ends, its children move to the list of another thread.
  const found = new Set([...descendantsOf(process.pid), ...descendantsOf(process.pid)]);
  if (reaper.pid !== undefined) {
    found.delete(reaper.pid);
    for (const pid of escaped()) found.add(pid);
  }
  if (spared !== undefined) for (const pid of [spared, ...descendantsOf(spared)]) found.delete(pid);
  const left = [...found].filter(runs);
  for (const pid of left) signalProcess(pid, "SIGTERM");
  const until = systemClock.now() + graceMs;
  while (left.some(runs) && systemClock.now() < until) await Bun.sleep(lookMs);
  for (const pid of left.filter(runs)) signalProcess(pid, "SIGKILL");
}

/**
 * What `sh` has started and what is no descendant any more: its parent has ended, and an ancestor of this process (as a rule
 * init) has inherited it. To look at these few costs 1 ms; at all processes, 5 ms and more.
 */
function escaped(): number[] {
  const startedAt = processStartedAt(process.pid);
  if (startedAt === undefined) return [];
  const mark = markOf(process.pid, startedAt);
  return ancestorsOf(process.pid)
    .flatMap(childrenOf)
    .filter((pid) => hasMark(pid, mark))
    .flatMap((pid) => [pid, ...descendantsOf(pid)]);
}

function ancestorsOf(pid: number): number[] {
  const parent = processStat(pid)?.parent ?? 0;
  return parent === 0 ? [] : [parent, ...ancestorsOf(parent)];
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

const runs = (pid: number): boolean => processStat(pid)?.runs === true;
