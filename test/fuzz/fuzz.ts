// Random input for whatever pipeloom reads. A failing test prints its seed, the smallest input that fails, and its path.

import * as fc from "fast-check";

/** Duration of each test in s: FUZZ_S, or the default. */
const secondsOf = (fallback: number): number => Number(process.env["FUZZ_S"] ?? fallback);

/**
 * FUZZ_SEED; a new seed where FUZZ_S asks for a search; otherwise always the same, so that a change is not blamed for what it
 * did not break. Printed, so that a failure can be repeated.
 */
function seedOf(what: string): number {
  const given = process.env["FUZZ_SEED"] ?? (process.env["FUZZ_S"] === undefined ? "1" : undefined);
  const seed = given === undefined ? crypto.getRandomValues(new Int32Array(1))[0] : Number(given);
  if (seed === undefined || !Number.isSafeInteger(seed)) throw new Error(`FUZZ_SEED is ${given}`);
  console.log(`${what}: seed ${seed} (FUZZ_SEED=${seed} repeats it)`);
  return seed;
}

/** More than any time allows. */
const endless = 1_000_000_000;

/**
 * Checks new inputs until the time is over; a failure is made smaller for the rest of it.
 * @param fallback duration in s
 */
export async function fuzz<Input>(
  what: string,
  inputs: fc.Arbitrary<Input>,
  check: (input: Input) => Promise<void> | void,
  fallback: number,
): Promise<void> {
  let tried = 0;
  const property = fc.asyncProperty(inputs, async (input) => {
    tried++;
    await check(input);
  });
  await fc.assert(property, {
    seed: seedOf(what),
    numRuns: endless,
    interruptAfterTimeLimit: secondsOf(fallback) * 1000,
    markInterruptAsFailure: false,
  });
  console.log(`${what}: ${tried} inputs`);
}
