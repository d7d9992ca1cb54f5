// What `status --watch` shows: queried again only after a commit, and not too often.

import { systemClock } from "../base/clock.ts";
import type { Overview } from "../store/read/overview.ts";
import type { Reader } from "../store/read/reader.ts";

/** A query reads all tasks. Resting 4 times as long as it took limits that to a fifth of the time. */
const rest = 4;
/** A dead process does not change the file, so look again without a change. */
const maxAgeMs = 5_000;

type Cached = {
  readonly seen: Overview;
  readonly maxTasks: number;
  /** Of the database, before the query. */
  readonly version: number;
  /** Monotonic ms, before the query. */
  readonly at: number;
  readonly tookMs: number;
};

export class OverviewCache {
  readonly #reader: Pick<Reader, "version">;
  readonly #query: (maxTasks: number) => Overview;
  #cached: Cached | undefined;

  constructor(reader: Pick<Reader, "version">, query: (maxTasks: number) => Overview) {
    this.#reader = reader;
    this.#query = query;
  }

  get(maxTasks: number): Overview {
    const at = systemClock.now();
    const version = this.#reader.version();
    const cached = this.#cached;
    if (cached?.maxTasks === maxTasks && !isDue(cached, version, at)) return cached.seen;
    const seen = this.#query(maxTasks);
    this.#cached = { seen, maxTasks, version, at, tookMs: systemClock.now() - at };
    return seen;
  }
}

function isDue(cached: Cached, version: number, now: number): boolean {
  const ageMs = now - cached.at;
  return version === cached.version ? ageMs > maxAgeMs : ageMs > cached.tookMs * rest;
}
