// What the tasks of each definition have waited for, and how long.

import type { AnyTaskDefinition } from "../api/task-definition.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { WaitCause, WaitTime } from "../protocol/summary.ts";

const maxShown = 5;

type Waits = { tasks: number; totalMs: number; longestMs: number };

/** `pool`: whose limit or rate kept the tasks; undefined where they waited for a worker. */
type Key = {
  readonly definition: AnyTaskDefinition;
  readonly cause: WaitCause;
  readonly pool: string | undefined;
};

export class WaitTimes {
  readonly #waits: (Key & Waits)[] = [];
  /** Cache: equal tasks follow each other. */
  #last: (Key & Waits) | undefined;

  /** The task is dispatched for the first time. */
  add({ definition, pool }: TaskVertex, cause: WaitCause, waitedMs: number): void {
    const waits = this.#of({ definition, cause, pool: cause === "worker" ? undefined : pool });
    waits.tasks++;
    waits.totalMs += waitedMs;
    waits.longestMs = Math.max(waits.longestMs, waitedMs);
  }

  #of(key: Key): Waits {
    const isSame = (other: Key): boolean =>
      other.definition === key.definition && other.cause === key.cause && other.pool === key.pool;
    if (this.#last !== undefined && isSame(this.#last)) return this.#last;
    let found = this.#waits.find(isSame);
    if (found === undefined) {
      found = { ...key, tasks: 0, totalMs: 0, longestMs: 0 };
      this.#waits.push(found);
    }
    this.#last = found;
    return found;
  }

  /** Those that have waited most, all their tasks together, come first. */
  longest(nameOf: (definition: string) => string): readonly WaitTime[] {
    return this.#waits
      .toSorted((a, b) => b.totalMs - a.totalMs)
      .slice(0, maxShown)
      .map(({ definition, cause, pool, tasks, longestMs }) => ({
        task: nameOf(definition.name),
        cause,
        ...(pool === undefined ? {} : { pool }),
        tasks,
        longestMs: Math.round(longestMs),
      }));
  }
}
