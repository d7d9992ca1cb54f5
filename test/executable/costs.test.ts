// What a run has cost, at its end.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const pipeline = `
import { pipeline, task } from "pipeloom";
const ask = task({
  name: "ask",
  pool: "api",
  async run({ n }: { n: number }, ctx) {
    await Bun.sleep(250);
    await ctx.upsert("answers", [{ n }, { n: n + 100 }], { key: "n" });
  },
});
const paced = task({ name: "paced", pool: "slow", run: ({ n }: { n: number }) => n });
const spin = task({
  name: "spin",
  run() {
    const from = process.cpuUsage().user;
    while (process.cpuUsage().user - from < 300_000);
  },
});
export default pipeline({
  name: "costs",
  schema: "CREATE TABLE IF NOT EXISTS answers (n INTEGER PRIMARY KEY)",
  pools: { api: 1, slow: { limit: 1, per: "400ms" } },
  tasks: () => [...[1, 2, 3].flatMap((n) => [ask({ n }), paced({ n })]), spin()],
});
`;

type Finished = {
  readonly type: string;
  readonly rows: number;
  readonly cpuMs: number;
  readonly definitions: readonly { readonly task: string; readonly tasks: number }[];
  readonly waits: readonly {
    readonly task: string;
    readonly cause: string;
    readonly pool?: string;
    readonly longestMs: number;
  }[];
};

test("run-finished says what has waited for a limit and for a rate, and counts rows and CPU time", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), pipeline);
  const { code, out, err } = await run(
    [...pipeloom, "run", "etl.ts", "--json", "-w", "2", "-c", "4"],
    folder.path,
  );
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  const finished = JSON.parse(out.trim().split("\n").at(-1) ?? "") as Finished;
  expect(finished.type).toBe("run-finished");
  expect(finished.rows).toBe(6);
  expect(finished.cpuMs).toBeGreaterThanOrEqual(250);
  expect(finished.definitions.map(({ task, tasks }) => `${task} ${tasks}`).toSorted()).toEqual([
    "ask 3",
    "paced 3",
    "spin 1",
  ]);
  const limited = finished.waits.filter(({ cause }) => cause !== "worker");
  expect(limited.map(({ task, cause, pool }) => `${task} ${cause} ${pool}`).toSorted()).toEqual([
    "ask limit api",
    "paced rate slow",
  ]);
  // The third one: after two others.
  for (const { longestMs } of limited) expect(longestMs).toBeGreaterThanOrEqual(450);
  // 300 ms of CPU time take 8 s on a busy machine.
}, 60_000);
