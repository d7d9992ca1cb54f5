// Seeded random numbers: a failing test prints its seed, and the seed repeats the test.

export { randomOf } from "../../src/prove/kill-moments.ts";

/** An integer from 0 to `below` - 1. */
export const below = (random: () => number, limit: number): number => Math.floor(random() * limit);
