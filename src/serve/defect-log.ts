// Errors of serve itself: said, and it goes on, because it is to run for months. One that comes at each look is said once an hour.

import type { Clock } from "../base/clock.ts";

type Deps = {
  readonly clock: Pick<Clock, "wall">;
  /** A line for the log. */
  say(text: string): void;
};

const againMs = 3_600_000;
const maxKnown = 100;

export class DefectLog {
  readonly #deps: Deps;
  /** When each was said last. */
  readonly #said = new Map<string, number>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  add(text: string): void {
    const now = this.#deps.clock.wall();
    const before = this.#said.get(text);
    if (before !== undefined && Math.abs(now - before) < againMs) return;
    if (this.#said.size >= maxKnown) this.#said.clear();
    this.#said.set(text, now);
    this.#deps.say(`an error in serve itself, which goes on; please report it: ${text}`);
  }
}
