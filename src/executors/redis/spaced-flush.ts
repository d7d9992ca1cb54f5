// When a link sends what has gathered: in this turn of the event loop after a pause, else some ms after the last time. Each frame costs
// a command of Redis and a wake-up at the other end; a chain of tasks, where each waits for the one before, waits for none.

import { systemClock } from "../../base/clock.ts";

const leastGapMs = 2;
const laterMs = 20;

export class SpacedFlush {
  #last = 0;

  soon(work: () => void): void {
    const flush = (): void => {
      this.#last = systemClock.now();
      work();
    };
    const gapMs = this.#last + leastGapMs - systemClock.now();
    if (gapMs <= 0) systemClock.soon(flush);
    else systemClock.after(gapMs, flush);
  }

  later(work: () => void): void {
    systemClock.after(laterMs, work);
  }
}
