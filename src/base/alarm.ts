import { systemClock, type Timer } from "./clock.ts";

/** setTimeout takes a signed 32-bit number of ms and fires at once for a longer wait. */
const longestMs = 2 ** 31 - 1;

/** Calls once, at the time that was set last, by the monotonic clock. */
export class Alarm {
  readonly #ring: () => void;
  #at: number | undefined;
  #timer: Timer | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Whether a call is due. */
  get isSet(): boolean {
    return this.#at !== undefined;
  }

  /** @param at a time of `systemClock.now()`; undefined: never */
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
