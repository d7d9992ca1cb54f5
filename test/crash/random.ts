// Seeded random numbers: a failing test prints its seed, and the seed repeats the test.

/** Mulberry32 (Tommy Ettinger, public domain), 32 bits of state. Returns a generator of numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer from 0 to `below` - 1. */
export const below = (random: () => number, limit: number): number => Math.floor(random() * limit);
