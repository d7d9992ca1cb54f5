import { systemClock, type Timer } from "./clock.ts";

/** setTimeout counts in a signed 32-bit number; a longer wait would be over at once. */
const longestMs = 2 ** 31 - 1;

/** Calls once, at the time that was set last. On the monotonic clock: setting the wall clock moves nothing. */
export class Alarm {
  readonly #ring: () => void;
  #at: number | undefined;
  #timer: Timer | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** It will call. */
  get isSet(): boolean {
    return this.#at !== undefined;
  }

  /** @param at as `systemClock.now()` tells time; undefined: never */
  set(at: number | undefined): void {
    if (at === this.#at) return;
    systemClock.cancel(this.#timer);
    this.#at = at;
    if (at !== undefined) this.#wait(at);
  }

  #wait(at: number): void {
    const waitMs = at - systemClock.now();
    this.#timer = systemClock.after(Math.min(Math.max(waitMs, 1), longestMs), () => {
      if (waitMs > longestMs) return this.#wait(at);
      this.#at = undefined;
      this.#ring();
    });
  }
}
