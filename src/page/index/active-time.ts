// How long at least one task of a run ran, up to now.

import { systemClock } from "../../base/clock.ts";
import { workMs } from "./page-size.ts";
import type { RunIndex } from "./run-index.ts";
import { idleIn } from "./run-times.ts";
import type { Interval } from "./time-axis.ts";

/** After a look at all tasks that took as long, the next one waits this many times longer: 1 % of a core. */
const restFactor = 100;

/** @param extent of the run */
export const activeMs = (index: RunIndex, extent: Interval): number =>
  idleIn(index, extent).reduce((left, { from, to }) => left - (to - from), extent.to - extent.from);

/** Of a run that runs: between two looks, its tasks go on. */
export class ActiveTime {
  #ms = 0;
  #to = 0;
  #restsUntil = -Infinity;

  /** @param extent of the run, up to now */
  in(index: RunIndex, extent: Interval): number {
    const now = systemClock.now();
    if (now >= this.#restsUntil) {
      const began = workMs();
      this.#ms = activeMs(index, extent);
      this.#to = extent.to;
      this.#restsUntil = now + restFactor * (workMs() - began);
    }
    return this.#ms + Math.max(0, extent.to - this.#to);
  }
}
