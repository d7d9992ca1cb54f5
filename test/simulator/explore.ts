// Runs many scenarios, counts the features that they cover, and prints how to repeat a finding.

import { generate, switchNames, type Switches } from "./generate.ts";
import type { Scenario } from "./scenario.ts";
import { type Simulated, simulate } from "./simulate.ts";

/** @param without kinds of trouble to switch off, so that a known bug does not hide other findings */
export const switches = (without: readonly string[] = []): Switches => {
  const all = switchNames.map((name) => [name, !without.includes(name)] as const);
  return Object.fromEntries(all) as Switches;
};

export type Found = {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly finding: string;
};

export type Explored = {
  readonly seeds: number;
  readonly features: ReadonlyMap<string, number>;
  readonly found: readonly Found[];
};

/** One turn of the real event loop, in which the runtime reports unhandled rejections of a simulation. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param seeds the exploration ends with this iterable */
export async function explore(seeds: Iterable<number>, on: Switches): Promise<Explored> {
  const features = new Map<string, number>();
  const found: Found[] = [];
  let count = 0;
  for (const seed of seeds) {
    const scenario = generate(seed, on);
    const simulated = await simulateAlone(scenario);
    count++;
    for (const name of simulated.features) features.set(name, (features.get(name) ?? 0) + 1);
    const { finding } = simulated;
    if (finding !== undefined) found.push({ seed, scenario, finding });
  }
  return { seeds: count, features, found };
}

/**
 * Simulates a scenario. An unhandled rejection is a finding: pipeloom must report it to the task, not to the process.
 */
export async function simulateAlone(scenario: Scenario): Promise<Simulated> {
  let unhandled: unknown;
  const listen = (reason: unknown): void => {
    unhandled ??= reason;
  };
  process.on("unhandledRejection", listen);
  try {
    const simulated = simulate(scenario);
    await turn();
    if (unhandled === undefined || simulated.finding !== undefined) return simulated;
    return { ...simulated, finding: `an unhandled rejection: ${String(unhandled)}` };
  } finally {
    process.off("unhandledRejection", listen);
  }
}

export const commandOf = (seed: number): string =>
  `bun test/simulator/main.ts --seed ${seed} --shrink`;
