// How much text the main thread holds for tasks that have not run: their inputs, and the results that are likely to come.
// Beyond a bound, long results stay in the file until few tasks are ready: a thousand tasks may each make 1 MB before the
// first task that reads one of them has its turn.

import { maxSentResult, type WantsResult } from "../protocol/wants-result.ts";
import type { InFlight } from "./in-flight.ts";
import type { Schedule } from "./schedule.ts";

/** Characters. */
export const maxReadyChars = 1024 * 1024;
/** EMA factor of the average length of results. */
const averageFactor = 1 / 16;

type BacklogDeps = {
  readonly schedule: Pick<Schedule, "ready" | "chars">;
  readonly inFlight: Pick<InFlight, "size" | "chars">;
  /** Results can be read from the file. */
  readonly keepsResults: boolean;
};

export class Backlog {
  readonly #deps: BacklogDeps;
  /** Average length of a result, in characters. */
  #resultChars = 0;

  constructor(deps: BacklogDeps) {
    this.#deps = deps;
  }

  /** A result has come to main. */
  resulted(result: string): void {
    this.#resultChars += (result.length - this.#resultChars) * averageFactor;
  }

  /** Characters of the inputs of the tasks in flight, and of their results. */
  get inFlightChars(): number {
    const { size, chars } = this.#deps.inFlight;
    return chars + size * this.#resultChars;
  }

  /** The ready tasks hold as much text as they may. */
  get isFull(): boolean {
    const { ready, chars } = this.#deps.schedule;
    return chars + ready * this.#resultChars >= maxReadyChars;
  }

  /** The results of tasks that are dispatched now stay in the file if they are long, although someone reads them. */
  get leavesResults(): boolean {
    return this.#deps.keepsResults && this.isFull;
  }

  /** What the worker of a task is told that is dispatched now: while long results are to stay in the file, `perhaps` for `yes`. */
  wants(result: WantsResult): WantsResult {
    return result === "yes" && this.leavesResults ? "perhaps" : result;
  }

  /** This result is dropped, and read from the file later. */
  drops(result: string): boolean {
    return result.length > maxSentResult && this.leavesResults;
  }
}
