// The seeds that once found something, always; and new ones for a while (PIPELOOM_SIMULATE_S, in seconds).

import { expect, test } from "bun:test";

import { commandOf, explore, simulateAlone, switches } from "./explore.ts";
import { generate } from "./scenario.ts";
import seeds from "./seeds.json";

const seconds = Number(process.env["PIPELOOM_SIMULATE_S"] ?? 20);

const shown = (seed: number, finding: string): string => `${finding}\n  ${commandOf(seed)}`;

test.each(seeds)("seed $seed: $reason", async ({ seed, without }) => {
  const { finding } = await simulateAlone(generate(seed, switches(without)));
  expect(finding === undefined ? "" : shown(seed, finding)).toBe("");
});

test(
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
    expect(found.map(({ seed, finding }) => shown(seed, finding))).toEqual([]);
    expect(count).toBeGreaterThan(0);
  },
  (seconds + 60) * 1000,
);
