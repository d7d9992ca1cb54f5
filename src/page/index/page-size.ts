// How many rows are read in one go.

import { systemClock, threadCpuMs } from "../../base/clock.ts";

/** Between two pages, the server answers others. */
const pageMs = 8;
const [fewestRows, mostRows] = [50, 20_000];

/** CPU time where the system tells it: on a busy machine, time that passes says nothing of the work. */
export const workMs = threadCpuMs ?? systemClock.now;

export class PageSize {
  #rows = 1_000;

  /** @param read gets how many rows it may read */
  read<Result>(read: (most: number) => Result): Result {
    const began = workMs();
    const result = read(this.#rows);
    const tookMs = workMs() - began;
    if (tookMs > pageMs) this.#rows = Math.max(fewestRows, this.#rows >> 1);
    else if (tookMs < pageMs / 3) this.#rows = Math.min(mostRows, this.#rows * 2);
    return result;
  }
}
