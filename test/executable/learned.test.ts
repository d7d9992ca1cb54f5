// What a second run knows from the first one: the order, the remaining time, and what is slower than usual.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const etl = `
import { pipeline, task } from "pipeloom";
const wait = (ms) => new Promise((next) => setTimeout(next, ms));
const quick = task({ name: "quick", run: ({ i }) => i });
const day = task({ name: "load-day", run: ({ ms }) => wait(ms) });
export default pipeline({ name: "etl", params: { slow: 0 }, tasks: ({ params }) => [
  ...Array.from({ length: 25 }, (_, i) => quick({ i })),
  day({ ms: 300 }),
  ...Array.from({ length: 20 }, (_, i) => day({ ms: i === 9 ? params.slow : 150 })),
] });
`;

type Event = { readonly type: string; readonly name: string };

async function events(folder: TempFolder, ...args: readonly string[]): Promise<Event[]> {
  const command = [...pipeloom, "run", "etl.ts", "-w", "1", "-c", "1", "--json", ...args];
  const { out, err, code } = await run(command, folder.path);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

const firstEnded = (all: readonly Event[]) =>
  all.find(({ type }) => type === "task-finished")?.name;
const slow = (all: readonly Event[]) => all.filter(({ type }) => type === "task-slow");

test("long tasks go first, and one that takes much longer than usual is said once, everywhere", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), etl);
  const first = await events(folder);
  expect([firstEnded(first), slow(first)]).toEqual(["quick", []]);
  const second = await events(folder, "--param", "slow=1300", "--log-file", "run.log");
  expect(firstEnded(second)).toBe("load-day");
  expect(slow(second)).toMatchObject([{ name: "load-day", task: "load-day", runs: 1 }]);
  const lines = (await Bun.file(join(folder.path, "run.log")).text()).split("\n");
  const said = lines.filter((line) => line.includes("slower than usual"));
  expect(said).toEqual([
    expect.stringMatching(
      / warn {2}load-day(?: \S+)? #\d+: \S+× slower than usual: .*\(p95 of 1 run: /,
    ),
  ]);
}, 60_000);

test("--no-store-task-status: each run is a first one", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), etl);
  for (let i = 0; i < 2; i++) {
    const all = await events(folder, "--no-store-task-status", "--param", "slow=1200");
    expect([firstEnded(all), slow(all)]).toEqual(["quick", []]);
  }
}, 60_000);
