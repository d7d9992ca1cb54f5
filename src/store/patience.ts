// Another program's lock on the database is waited for as long as it takes, or until the run is told to stop now, and
// said after a while. SQLite itself waits for a moment at a time (busy_timeout): in between, the thread can be ended.

import { systemClock } from "../base/clock.ts";
import type { LogLevel } from "../protocol/status.ts";
import { lockHolder } from "./lock-holder.ts";
import { isWaitable } from "./sqlite-error.ts";
import { StoreError } from "./store-error.ts";

/** How long one call of SQLite's waits. */
export const busyTimeoutMs = 250;
/** SQLite does not wait by itself where two could wait for each other. */
const pauseMs = 20;
export const sayAfterMs = 5_000;

export type PatienceClock = {
  /** Monotonic ms. */
  now(): number;
  sleep(ms: number): void;
};

export type PatienceTools = PatienceClock & {
  say(level: LogLevel, line: string): void;
  /** No lock is to be waited for any longer. */
  isGivenUp(): boolean;
};

export const sleepingClock: PatienceClock = {
  now: systemClock.now,
  sleep: (ms) => Bun.sleepSync(ms),
};

export class Patience {
  readonly #path: string;
  readonly #tools: PatienceTools;
  /** A message's `apply` may have caught the error that said so: what is left of its unit must not be stored. */
  #hasGivenUp = false;

  /** @param path the database as the user wrote it */
  constructor(path: string, tools: PatienceTools) {
    this.#path = path;
    this.#tools = tools;
  }

  /**
   * Runs `step` until no lock is in its way. A step that found one has changed nothing.
   * @throws StoreError `given-up`, and from then on for each step
   */
  run<Result>(step: () => Result): Result {
    if (this.#hasGivenUp) throw this.#givenUp();
    try {
      return step();
    } catch (thrown) {
      if (!isWaitable(thrown)) throw thrown;
      return this.again(step);
    }
  }

  /** `run` for a step that has found a lock in its way once. */
  again<Result>(step: () => Result): Result {
    const wait = new Wait(this.#path, this.#tools);
    for (;;) {
      if (this.#tools.isGivenUp()) throw this.#givenUp();
      this.#tools.sleep(pauseMs);
      try {
        const result = step();
        wait.over();
        return result;
      } catch (thrown) {
        if (!isWaitable(thrown)) throw thrown;
        wait.goesOn();
      }
    }
  }

  #givenUp(): StoreError {
    this.#hasGivenUp = true;
    return new StoreError(
      "given-up",
      `${lockedBy(this.#path)}, and the run was told to stop now; ` +
        "what is not stored yet is done again when the run is continued",
    );
  }
}

const lockedBy = (path: string): string =>
  `${path} is locked by ${lockHolder(path) ?? "another program"}`;

/** One wait for one lock: says so once it is long, and says when it is over. */
export class Wait {
  readonly #path: string;
  readonly #tools: Pick<PatienceTools, "say" | "now">;
  readonly #since: number;
  #isSaid = false;

  constructor(path: string, tools: Pick<PatienceTools, "say" | "now">) {
    this.#path = path;
    this.#tools = tools;
    this.#since = tools.now();
  }

  /** @param why in place of "another program holds the lock" */
  goesOn(why?: string): void {
    if (this.#isSaid || this.#tools.now() - this.#since < sayAfterMs) return;
    this.#isSaid = true;
    this.#tools.say("warn", why ?? `${lockedBy(this.#path)}; waiting until it lets go`);
  }

  over(): void {
    if (!this.#isSaid) return;
    const seconds = Math.round((this.#tools.now() - this.#since) / 1000);
    this.#tools.say("info", `${this.#path} is free again, after ${seconds} s`);
  }
}
