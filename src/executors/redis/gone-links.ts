// The links of machines that were given up, or have left: nothing that comes on them counts. Those of long ago are forgotten,
// and known by their first message: it says at which tick of the run the machine had heard of it. Pure.

import { type LinkName, linkText } from "./frame-codec.ts";

/** Ticks of the run that came back from Redis, one a second: time in which Redis did not work does not count. */
const keptTicks = 600;

export class GoneLinks {
  /** Since which tick, the oldest first. */
  readonly #since = new Map<string, number>();

  get size(): number {
    return this.#since.size;
  }

  add(link: LinkName, tick: number): void {
    this.#since.set(linkText(link), tick);
  }

  /** @param link its text */
  has(link: string): boolean {
    return this.#since.has(link);
  }

  forget(tick: number): void {
    for (const [link, since] of this.#since) {
      if (since + keptTicks >= tick) return;
      this.#since.delete(link);
    }
  }

  /** Whether a link that begins so may be one that was forgotten. @param heardAt of its first message */
  mayBe(heardAt: number, tick: number): boolean {
    return heardAt + keptTicks < tick;
  }
}
