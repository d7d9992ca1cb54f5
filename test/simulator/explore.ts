// Runs scenario after scenario, counts what they cover, and says of a finding how to see it again.

import { generate, switchNames, type Switches } from "./generate.ts";
import type { Scenario } from "./scenario.ts";
import { type Simulated, simulate } from "./simulate.ts";

/** @param without kinds of trouble to leave out: what is known and not mended would hide all others behind it */
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

/** A turn of the real event loop: what a simulation left unhandled is told there. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param seeds goes on as long as this yields */
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

/** With what is rejected and seen by nobody: a task's author is to hear of it, not the process. */
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
    return { ...simulated, finding: `a rejection that nobody handles: ${String(unhandled)}` };
  } finally {
    process.off("unhandledRejection", listen);
  }
}

export const commandOf = (seed: number): string =>
  `bun test/simulator/main.ts --seed ${seed} --shrink`;
