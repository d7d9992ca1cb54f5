// What `--json` and `status --format json` print, held against the published JSON Schemas.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { z } from "zod";

import { taskId } from "../src/protocol/ids.ts";
import { jsonLine } from "../src/terminal/json-events.ts";
import { pipeloom, repository, run } from "./support/program.ts";
import { tempFolder } from "./support/temp-folder.ts";

const schemaOf = async (name: string) =>
  z.fromJSONSchema(await Bun.file(join(repository, ".github/schemas", name)).json());

/** Every type of event: logs, progress, a checkpoint, a retry, a failure, a skipped task. */
const source = `
import { pipeline, task } from "pipeloom";
const list = task({ name: "list", run: (_, ctx) => { ctx.log.warn("listing"); return [1, 2]; } });
const load = task({ name: "load", retries: { limit: 1, delay: 1 }, async run({ xs }: { xs: number[] }, ctx) {
  ctx.progress(1, 2, "half");
  await ctx.checkpoint({ at: xs.length });
  if (ctx.attempt === 1) throw Object.assign(new Error("once", { cause: new TypeError("deep") }), { code: "E_ONCE" });
} });
const fail = task({ name: "fail", run: () => { throw new RangeError("always"); } });
const after = task({ name: "after", run: (_: { x: unknown }) => null });
export default pipeline({ name: "all-events", params: { n: 1 }, tasks: () => [load({ xs: list() }), after({ x: fail() })] });
`;

const types = [
  "run-finished",
  "run-reruns",
  "run-started",
  "run-total",
  "task-checkpoint",
  "task-finished",
  "task-log",
  "task-progress",
  "task-retrying",
  "task-started",
];

test("events and status are what their schemas say", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "all.ts"), source);
  const events = await run([...pipeloom, "run", "all.ts", "--json"], folder.path);
  expect(events.code).toBe(1);
  const again = await run([...pipeloom, "run", "all.ts", "--rerun", "list", "--json"], folder.path);
  const parsed = `${events.out}${again.out}`
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  expect([...new Set(parsed.map(({ type }) => type))].toSorted()).toEqual(types);
  const event = await schemaOf("events.v1.schema.json");
  for (const each of parsed)
    expect({ each, ...event.safeParse(each) }).toMatchObject({ success: true });
  const status = await run([...pipeloom, "status", "--format", "json"], folder.path);
  const shown = (await schemaOf("status.v1.schema.json")).safeParse(JSON.parse(status.out));
  expect(shown.error?.issues ?? []).toEqual([]);
  const one = await run([...pipeloom, "status", "--run", "1", "-f", "json"], folder.path);
  const detailed = JSON.parse(one.out) as { definitions: unknown[] };
  expect((await schemaOf("status.v1.schema.json")).safeParse(detailed).error).toBeUndefined();
  expect(detailed.definitions).not.toEqual([]);
}, 30_000);

test("an event that needs earlier runs and a slow machine is what its schema says too", async () => {
  const slow = {
    type: "task-slow",
    id: taskId(7),
    name: "load-page",
    task: "load-page",
    at: 1_800_000_000_000,
    durationMs: 31_000,
    isRunning: true,
    p95Ms: 9700,
    runs: 12,
  } as const;
  const { error, data } = (await schemaOf("events.v1.schema.json")).safeParse(
    JSON.parse(jsonLine(slow)),
  );
  expect([error, data]).toEqual([undefined, { ...slow, at: "2027-01-15T08:00:00.000Z" }]);
});

test("the schemas refuse what is not an event or a status", async () => {
  const event = await schemaOf("events.v1.schema.json");
  expect(
    event.safeParse({ type: "task-started", id: 0, name: "x", attempt: 1, at: "now" }).success,
  ).toBeFalse();
  expect(event.safeParse({ type: "run-total", total: "1", complete: true }).success).toBeFalse();
  const status = await schemaOf("status.v1.schema.json");
  expect(status.safeParse({ version: 1, db: "x", runs: [], tasks: [] }).success).toBeFalse();
});
