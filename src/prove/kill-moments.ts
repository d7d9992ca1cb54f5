// When a run is killed, and whether the power is cut: drawn from the seed.

import type { Kill } from "./killed-session.ts";

/** Mulberry32 (Tommy Ettinger, public domain), 32 bits of state. Numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An undisturbed run: the measure of what "at random" means. */
type Measure = { readonly tookMs: number; readonly events: number };

/** A run that was killed this often may end: one that needs longer than each moment would never be done. */
const patientAfter = 5;

export class KillMoments {
  readonly #random: () => number;
  readonly #measure: Measure;

  constructor(random: () => number, measure: Measure) {
    this.#random = random;
    this.#measure = measure;
  }

  /**
   * Half of them by time, half by events: most of a short run's time passes before its first task.
   * @param kills how often this run has been killed
   */
  next(kills: number): Kill {
    if (kills % (patientAfter + 1) === patientAfter) return { type: "never" };
    const { tookMs, events } = this.#measure;
    if (this.#random() < 0.5) return { type: "after", ms: this.#random() * tookMs * 1.1 };
    return { type: "at-event", count: 1 + Math.floor(this.#random() * events) };
  }

  /** Whether a cycle's processes record what they write. The others are as any user's are. */
  isRecorded(): boolean {
    return this.#random() < 0.7;
  }

  /** Whether the end of a process was the end of the power. */
  isPowerCut(): boolean {
    return this.#random() < 0.6;
  }

  get random(): () => number {
    return this.#random;
  }
}
