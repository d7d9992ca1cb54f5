// bun test/simulator/main.ts [--seed n] [--seeds count] [--minutes m] [--shrink] [--without switch,switch] [--trail]

import { parseArgs } from "node:util";

import { commandOf, explore, simulateAlone, switches } from "./explore.ts";
import { generate } from "./generate.ts";
import type { Scenario } from "./scenario.ts";
import { kindOfFinding, shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    shrink: { type: "boolean", default: false },
    without: { type: "string" },
    only: { type: "string" },
    trail: { type: "boolean", default: false },
    scenario: { type: "string" },
  },
});

const on = switches(values.without?.split(","));
const shrinkMs = 60_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function trail(scenario: Scenario): void {
  for (const { end, events, output, stage } of simulate(scenario).trail) {
    say(`── a session that ended: ${JSON.stringify(end).slice(0, 2000)}`);
    for (const event of events) say(JSON.stringify(event).slice(0, 300));
    for (const line of output) say(`output ${line}`);
    for (const { kind, path, task, attempt, begunAt, endedAt, thread, isLost } of stage.traces) {
      const trace = { kind, path, task, attempt, begunAt, endedAt, thread: thread.name, isLost };
      say(`attempt ${JSON.stringify(trace)}`);
    }
  }
}

async function one(scenario: Scenario): Promise<void> {
  const { finding } = await simulateAlone(scenario);
  if (finding === undefined) return say("nothing was found");
  say(finding);
  let smallest = scenario;
  if (values.shrink) {
    const until = performance.now() + shrinkMs;
    smallest = shrink(scenario, finding, () => performance.now() < until);
    say(simulate(smallest).finding ?? "Internal error: it does not fail any more");
    say(JSON.stringify(smallest));
  }
  if (values.trail) trail(smallest);
  process.exitCode = 1;
}

/** Not the time: two processes that begin together would try the same seeds. */
const randomSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

function* seedsFrom(first: number, until: number, most: number): Generator<number> {
  for (let i = 0; i < most && performance.now() < until; i++) yield (first + i) >>> 0;
}

async function many(first: number): Promise<void> {
  const began = performance.now();
  const most = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds);
  const minutes = Number(values.minutes ?? (values.seeds === undefined ? 1 : 1e6));
  const { seeds, features, found } = await explore(
    seedsFrom(first, began + minutes * 60_000, most),
    on,
  );
  const took = (performance.now() - began) / 1000;
  for (const [name, count] of [...features].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    say(`${String(count).padStart(8)}  ${name}`);
  }
  say(
    `${seeds} seeds from ${first}, ${(seeds / took).toFixed(1)} a second, ${found.length} findings`,
  );
  const kinds = Map.groupBy(found, ({ finding }) => kindOfFinding(finding));
  for (const [, same] of [...kinds].toSorted(([, a], [, b]) => b.length - a.length)) {
    say(`${same.length} × ${same[0]?.finding.slice(0, 300)}`);
    for (const { seed } of same.slice(0, 3)) say(`    ${commandOf(seed)}`);
  }
  if (found.length > 0) process.exitCode = 1;
}

if (values.scenario !== undefined) {
  await one(JSON.parse(await Bun.file(values.scenario).text()) as Scenario);
} else if (
  values.seed !== undefined &&
  values.seeds === undefined &&
  values.minutes === undefined
) {
  await one(generate(Number(values.seed), on));
} else {
  await many(values.seed === undefined ? randomSeed() : Number(values.seed));
}
