// What a machine takes leases from: the queue of tasks without tags, and those of tasks that ask for tags that it has. Together they
// hold as many leases as there are places.

import { pause } from "../../../base/pause.ts";
import { hasTags, type TagSet } from "../../../protocol/tags.ts";
import type { LeaseJob } from "../engine-messages.ts";
import type { LeasesTaken, RunLease, Taken } from "../lease-queue.ts";

type TakersDeps = {
  /** Of the machine. */
  readonly tags: readonly string[];
  /** Takes leases from the queue of this set of tags. */
  create(on: TagSet, concurrency: number, run: RunLease): LeasesTaken;
  readonly run: RunLease;
};

type Taker = {
  readonly queue: ReturnType<TakersDeps["create"]>;
  /** Leases in hand. */
  running: number;
};

/** Before a lease goes back to its queue: this machine may be the only one that looks into it. */
export const backMs = 200;

export class LeaseTakers {
  readonly #deps: TakersDeps;
  readonly #takers = new Map<TagSet, Taker>();
  #places: number;
  #isPaused = false;

  constructor(places: number, deps: TakersDeps) {
    this.#places = places;
    this.#deps = deps;
  }

  get places(): number {
    return this.#places;
  }

  set places(places: number) {
    this.#places = places;
    this.#share();
  }

  /** Nothing is done where the machine lacks the tags, or takes from the queue already. */
  take(on: TagSet): void {
    if (this.#takers.has(on) || this.#isPaused || !hasTags(this.#deps.tags, on)) return;
    const queue = this.#deps.create(on, Math.max(1, this.#free), (job) => this.#taken(taker, job));
    const taker: Taker = { queue, running: 0 };
    this.#takers.set(on, taker);
    this.#share();
  }

  async #taken(taker: Taker, job: LeaseJob): Promise<Taken> {
    if (this.#takers.size > 1 && this.#free <= 0) {
      await pause(backMs);
      if (this.#free <= 0) return "put back";
    }
    taker.running++;
    this.#share();
    try {
      return await this.#deps.run(job);
    } finally {
      taker.running--;
      this.#share();
    }
  }

  /** BullMQ takes one lease at least: where there is no place, it goes back to its queue. */
  #share(): void {
    const free = this.#free;
    for (const { queue, running } of this.#takers.values()) {
      queue.concurrency = Math.max(1, running + free);
    }
  }

  get #free(): number {
    return this.#takers.values().reduce((left, { running }) => left - running, this.#places);
  }

  /** Takes no more leases. */
  pause(): void {
    this.#isPaused = true;
    for (const { queue } of this.#takers.values()) queue.pause();
  }

  close(): void {
    for (const { queue } of this.#takers.values()) queue.close();
  }
}
