// Zombies in a container: its first process becomes the parent of what other processes leave behind, and one of these that has ended
// keeps its process id until its parent waits for it. Bun waits for its own children only.

import { readdirSync } from "node:fs";

import { systemClock, type Timer } from "./clock.ts";
import { openLibc } from "./libc.ts";
import { processStat } from "./process-stat.ts";

const lookMs = 2_000;
/** Looks that have found a zombie before it is waited for: its own children Bun must get, also late after a stop of this process. */
const minLooks = 3;
/** WNOHANG of waitpid(2). */
const noHang = 1;

/**
 * Waits for the zombies that this process has as the first one of a container. Undefined where it is not that.
 * Only for a process whose children are started by its main thread: in a busy thread, Bun may be late for minutes.
 */
export function reapZombies(): Disposable | undefined {
  if (process.platform !== "linux" || process.pid !== 1) return undefined;
  const libc = openLibc({ waitpid: { args: ["int", "ptr", "int"], returns: "int" } });
  return libc && new ZombieReaper((pid) => void libc.waitpid(pid, null, noHang));
}

class ZombieReaper implements Disposable {
  readonly #wait: (pid: number) => void;
  readonly #timer: Timer;
  /** How many looks have found a zombie, in a row. */
  #looks: ReadonlyMap<string, number> = new Map();

  constructor(wait: (pid: number) => void) {
    this.#wait = wait;
    this.#timer = systemClock.every(lookMs, () => this.#look());
    this.#timer.unref();
  }

  #look(): void {
    const looks = new Map<string, number>();
    for (const { pid, key } of zombies()) {
      const count = (this.#looks.get(key) ?? 0) + 1;
      if (count >= minLooks) this.#wait(pid);
      else looks.set(key, count);
    }
    this.#looks = looks;
  }

  [Symbol.dispose](): void {
    systemClock.cancel(this.#timer);
  }
}

/** The children of this process that have ended. The key has the start time: a process id is used again. */
function zombies(): { readonly pid: number; readonly key: string }[] {
  return readdirSync("/proc").flatMap((entry) => {
    const pid = /^\d+$/.test(entry) ? Number(entry) : undefined;
    const stat = pid === undefined ? undefined : processStat(pid);
    if (pid === undefined || stat?.parent !== process.pid || stat.runs) return [];
    return { pid, key: `${pid} ${stat.startTicks}` };
  });
}
