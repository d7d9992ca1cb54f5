// When a link sends what has gathered: in this turn of the event loop, as long as that happens seldom; else some ms later. Each frame
// costs a command of Redis and a wake-up at the other end, so a stream of messages is gathered; a chain of tasks, where each waits
// for the one before, waits for none.

import { type Clock, systemClock } from "../../base/clock.ts";

/** On average, there is that much time between two frames. */
const gapMs = 2;
/** So many frames follow each other at once, after a pause. */
const burst = 4;
const laterMs = 20;

export class SpacedFlush {
  readonly #clock: Pick<Clock, "now" | "after" | "soon">;
  /** Frames that may be sent at once; below 0: how many gaps the next one must wait for. */
  #allowed = burst;
  #at: number;

  constructor(clock: Pick<Clock, "now" | "after" | "soon"> = systemClock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  soon(work: () => void): void {
    const now = this.#clock.now();
    this.#allowed = Math.min(burst, this.#allowed + (now - this.#at) / gapMs) - 1;
    this.#at = now;
    if (this.#allowed >= 0) this.#clock.soon(work);
    else this.#clock.after(-this.#allowed * gapMs, work);
  }

  later(work: () => void): void {
    this.#clock.after(laterMs, work);
  }
}
