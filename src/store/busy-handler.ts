// Waits for other programs' locks on the database: as long as it takes, or until the run is told to stop now. After 5 s
// the wait is reported. SQLite itself waits for only 250 ms at a time (busy_timeout), so that the wait can be given up.

import { systemClock } from "../base/clock.ts";
import type { LogLevel } from "../protocol/status.ts";
import { lockedBy } from "./lock-holder.ts";
import { isLockedAtOpen, StoreError } from "./store-error.ts";

/** How long one call of SQLite waits. */
export const busyTimeoutMs = 250;
/** Pause between tries: SQLite returns SQLITE_BUSY at once if two connections could wait for each other. */
const pauseMs = 20;
/** A wait is reported after this long. */
const sayAfterMs = 5_000;

export type BusyClock = {
  /** Monotonic ms. */
  now(): number;
  sleep(ms: number): void;
};

export type BusyHandlerDeps = BusyClock & {
  say(level: LogLevel, line: string): void;
  /** The run is told to stop now: no more waiting for locks. */
  isGivenUp(): boolean;
};

export const sleepingClock: BusyClock = {
  now: systemClock.now,
  sleep: (ms) => Bun.sleepSync(ms),
};

/** For readers: there is no run to be stopped, and a signal ends the process or the thread. */
export const endlessBusyHandler = (path: string, say: BusyHandlerDeps["say"]): BusyHandler =>
  new BusyHandler(path, { ...sleepingClock, say, isGivenUp: () => false });

export class BusyHandler {
  readonly #path: string;
  readonly #deps: BusyHandlerDeps;
  /** A message's `apply` may catch the `given-up` error. The rest of its unit must not be stored. */
  #hasGivenUp = false;

  /** @param path the database as the user wrote it */
  constructor(path: string, deps: BusyHandlerDeps) {
    this.#path = path;
    this.#deps = deps;
  }

  /**
   * Repeats `step` while another program's lock makes it fail. A step that fails so has changed nothing.
   * @throws StoreError `given-up`, then and for each later step
   */
  run<Result>(step: () => Result): Result {
    if (this.#hasGivenUp) throw this.#givenUp();
    try {
      return step();
    } catch (thrown) {
      if (!isLockedAtOpen(thrown)) throw thrown;
      return this.again(step);
    }
  }

  /** `run` for a step that has failed once. */
  again<Result>(step: () => Result): Result {
    const wait = new Wait(this.#path, this.#deps);
    for (;;) {
      if (this.#deps.isGivenUp()) throw this.#givenUp();
      this.#deps.sleep(pauseMs);
      try {
        const result = step();
        wait.over();
        return result;
      } catch (thrown) {
        if (!isLockedAtOpen(thrown)) throw thrown;
        wait.goesOn();
      }
    }
  }

  say(level: LogLevel, line: string): void {
    this.#deps.say(level, line);
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

/** One wait for one lock. Reports it once it is long, and then its end. */
export class Wait {
  readonly #path: string;
  readonly #deps: Pick<BusyHandlerDeps, "say" | "now">;
  readonly #since: number;
  #isSaid = false;

  constructor(path: string, deps: Pick<BusyHandlerDeps, "say" | "now">) {
    this.#path = path;
    this.#deps = deps;
    this.#since = deps.now();
  }

  /** @param why replaces the message about the lock */
  goesOn(why?: string): void {
    if (this.#isSaid || this.#deps.now() - this.#since < sayAfterMs) return;
    this.#isSaid = true;
    this.#deps.say("warn", why ?? `${lockedBy(this.#path)}; waiting until it lets go`);
  }

  over(): void {
    if (!this.#isSaid) return;
    const seconds = Math.round((this.#deps.now() - this.#since) / 1000);
    this.#deps.say("info", `${this.#path} is free again, after ${seconds} s`);
  }
}
