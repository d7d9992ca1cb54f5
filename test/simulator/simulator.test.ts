// The scenarios that once found something, always; and new ones for a while (PIPELOOM_SIMULATE_S, in seconds).

import { expect, test } from "bun:test";

import { commandOf, explore, simulateAlone, switches } from "./explore.ts";
import { generate } from "./generate.ts";
import type { Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import seeds from "./seeds.json";

// What new seeds find, about once in 30,000, may be the simulation's own doing: whoever asks for them is told, and a change
// that has nothing to do with it is not held up.
const seconds = Number(process.env["PIPELOOM_SIMULATE_S"] ?? 0);

// Scenarios and not seeds: what a seed stands for changes with the generator.
for (const { reason, scenario } of seeds) {
  test(reason, async () => {
    const { finding } = await simulateAlone(scenario as Scenario);
    expect(finding).toBeUndefined();
  });
}

test.skipIf(seconds === 0)(
  `new seeds for ${seconds} s`,
  async () => {
    const first = Date.now() >>> 0;
    process.stdout.write(`simulating from seed ${first}\n`);
    const until = performance.now() + seconds * 1000;
    function* fresh(): Generator<number> {
      for (let seed = first; performance.now() < until; seed = (seed + 1) >>> 0) yield seed;
    }
    const { seeds: count, found } = await explore(fresh(), switches());
    process.stdout.write(`${count} seeds\n`);
    expect(found.map(({ seed, finding }) => `${finding}\n  ${commandOf(seed)}`)).toEqual([]);
    expect(count).toBeGreaterThan(0);
  },
  (seconds + 60) * 1000,
);

/** But for the folder that each run has of its own. */
function eventsOf(seed: number): string {
  const { trail } = simulate(generate(seed, switches()));
  return JSON.stringify(trail.map(({ events }) => events)).replaceAll(
    /pipeloom-simulated-\w+/g,
    "",
  );
}

test("a scenario is the same each time", () => {
  for (let seed = 1; seed <= 20; seed++) expect(eventsOf(seed)).toBe(eventsOf(seed));
});
