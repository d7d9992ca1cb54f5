// What `--json` and `status --format json` print, held against the published JSON Schemas.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { z } from "zod";

import { serviceData } from "../src/commands/service/service-text.ts";
import { systemd } from "../src/commands/service/systemd.ts";
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

const pages = `
import { each, pipeline, task } from "pipeloom";
const list = task({ name: "list", run: () => [1, 2, 3] });
const load = task({ name: "load", retries: { limit: 1, delay: 1 }, run: ({ n }: { n: number }, ctx) => {
  ctx.log.info("loading " + n);
  if (n === 2 && process.env["FAIL"] === "1") throw new Error("no such page");
  return n * 2;
} });
const check = task({ name: "check", reuse: true, run: () => null });
const sum = task({ name: "sum", run: (_: { all: number[] }) => null });
export default pipeline({ name: "pages", tasks: () =>
  sum({ all: each(list(), (n) => load({ n })) }, { after: [check()] }) });
`;

/** Runs of a project that fail, are edited and continue. */
class Project implements Disposable {
  readonly #folder = tempFolder();

  async run(text: string, args: readonly string[], env: Record<string, string> = {}) {
    await Bun.write(join(this.#folder.path, "pages.ts"), text);
    await run([...pipeloom, "run", "pages.ts", ...args], this.#folder.path, env);
  }

  /** What a command prints, line by line where it prints many. */
  async json(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const { out, err } = await run([...pipeloom, ...args, "--json"], this.#folder.path);
    if (out === "") throw new Error(err);
    return args[0] === "logs" || (args[0] === "backfill" && !args.includes("--dry-run"))
      ? out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      : [JSON.parse(out) as Record<string, unknown>];
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** Each member that the schema requires is required: without it, the output is refused. */
async function expectHeld(
  name: string,
  outputs: readonly Record<string, unknown>[],
): Promise<void> {
  const file = Bun.file(join(repository, ".github/schemas", `${name}.v1.schema.json`));
  const { required } = (await file.json()) as { required: string[] };
  const schema = await schemaOf(`${name}.v1.schema.json`);
  expect(outputs.length).toBeGreaterThan(0);
  for (const output of outputs) {
    expect([output, schema.safeParse(output).error?.issues]).toEqual([output, undefined]);
    for (const member of required) {
      const { [member]: _, ...rest } = output;
      expect([member, schema.safeParse(rest).success]).toEqual([member, false]);
    }
  }
}

test("why, runs, logs and prune are what their schemas say", async () => {
  using project = new Project();
  await project.run(pages, [], { FAIL: "1" });
  const skipped = await project.json("why", "sum");
  expect(skipped).toMatchObject([
    { outcome: "skipped", failed: [{ name: "load" }], needs: { fanOuts: [{ failed: 1 }] } },
  ]);
  await project.run(pages.replace("n * 2", "n * 3"), ["--resume"]);
  const edited = await project.json("why", "load", "1");
  expect(edited).toMatchObject([{ outcome: "ran", since: 1 }]);
  await project.run(pages, []);
  const reused = await project.json("why", "check");
  expect(reused).toMatchObject([{ outcome: "reused" }]);
  await expectHeld("why", [...skipped, ...edited, ...reused]);
  await expectHeld("runs", [
    ...(await project.json("runs")),
    ...(await project.json("runs", "pages")),
  ]);
  const lines = await project.json("logs", "1");
  expect(lines.length).toBeGreaterThan(2);
  await expectHeld("logs", lines);
  const dry = await project.json("prune", "--keep-runs", "1", "--dry-run");
  const done = await project.json("prune", "--keep-runs", "1");
  expect([...dry, ...done]).toMatchObject([{ dryRun: true }, { dryRun: false, runs: [{ id: 1 }] }]);
  await expectHeld("prune", [...dry, ...done]);
}, 60_000);

const scheduled = (rule: string): string =>
  pages.replace("tasks: () =>", `schedule: { ${rule} }, tasks: () =>`);

test("schedule is what its schema says", async () => {
  using project = new Project();
  await project.run(scheduled('every: "1h", jitter: "5m"'), ["--dry-run"]);
  const every = await project.json("schedule", "next", "pages.ts");
  await project.run(scheduled('cron: "@daily", tz: "UTC"'), ["--dry-run"]);
  const cron = await project.json("schedule", "next", "pages.ts");
  expect([...every, ...cron]).toMatchObject([
    { everyMs: 3_600_000 },
    { cron: "@daily", tz: "UTC" },
  ]);
  await expectHeld("schedule", [...every, ...cron]);
  const none = await project.json("schedule", "list", "pages.ts");
  await project.run(scheduled('cron: "@daily", tz: "UTC"'), [
    "--scheduled-for",
    "2026-11-27T00:00Z",
  ]);
  const once = await project.json("schedule", "list", "pages.ts");
  const pause = await project.json("schedule", "pause", "pages.ts");
  const paused = await project.json("schedule", "list", "pages.ts");
  expect([...none, ...once, ...paused]).toMatchObject([
    { schedules: [{ state: "scheduled", last: null }] },
    { schedules: [{ state: "scheduled", last: { status: "done" } }] },
    { schedules: [{ state: "paused", next: null }] },
  ]);
  await expectHeld("schedules", [...none, ...once, ...paused]);
  const resume = await project.json("schedule", "resume", "pages.ts");
  const again = await project.json("schedule", "resume", "pages.ts");
  expect([...pause, ...resume, ...again]).toMatchObject([
    { paused: true, changed: true },
    { paused: false, changed: true },
    { paused: false, changed: false },
  ]);
  await expectHeld("schedule-pause", [...pause, ...resume, ...again]);
}, 60_000);

test("backfill is what its schema says", async () => {
  using project = new Project();
  await project.run(scheduled('cron: "@daily", tz: "UTC"'), ["--dry-run"]);
  const range = ["pages.ts", "--from", "2024-02-28", "--to", "2024-03-01"];
  const lines = await project.json("backfill", ...range, "-c2");
  const said = lines.map(({ type }) => String(type));
  expect(new Set(said)).toEqual(
    new Set(["backfill-started", "slot-started", "slot-finished", "backfill-finished"]),
  );
  const plan = await project.json("backfill", ...range, "--dry-run");
  expect(plan).toMatchObject([
    { slots: [{ state: "done" }, { state: "done" }, { state: "done" }] },
  ]);
  await expectHeld("backfill", [...lines, ...plan]);
}, 60_000);

test("service status is what its schema says", async () => {
  const machine = { uid: 1000, home: "/home/ada", env: {}, user: "ada" };
  const manager = systemd(machine, { name: "pipeloom", environmentFile: null });
  const service = { command: ["/usr/bin/pipeloom", "serve"], folder: "/home/ada" } as const;
  const state = manager.state(() => ({ code: 0, out: "ActiveState=active\nMainPID=7", err: "" }));
  const seen = { manager, service: { ...service, command: [...service.command] as const }, state };
  const data = [seen, { manager, service: undefined, state: undefined }].map(serviceData);
  expect(data).toMatchObject([
    { running: true, pid: 7 },
    { installed: false, command: null },
  ]);
  await expectHeld("service", JSON.parse(JSON.stringify(data)) as Record<string, unknown>[]);
});

/** It writes a file of its own, once for each attempt. */
const secondFile = join(import.meta.dir, "prove/pipelines/second-file.ts");

test("prove is what its schema says: a proof, and one that fails", async () => {
  using project = new Project();
  await project.run(pages, ["--dry-run"]);
  const proved = await project.json("prove", "pages.ts", "--cycles", "2", "-q");
  expect(proved).toMatchObject([{ pipeline: "pages", first: null }]);
  await project.run(await Bun.file(secondFile).text(), ["--dry-run"]);
  const failed = await project.json("prove", "pages.ts", "--cycles", "6", "-q");
  expect(failed).toMatchObject([{ proved: false, first: { what: { type: "file" } } }]);
  await expectHeld("prove", [...proved, ...failed]);
}, 120_000);
