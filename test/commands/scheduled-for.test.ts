// `run --scheduled-for`, and what a task reads of it.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { tempFolder } from "../store/write/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

const file = (more = ""): string => `
import { pipeline, task } from "pipeloom";
const load = task({ name: "load", reuse: true, async run(_, ctx) {
  const { scheduledFor, previous } = ctx.run;
  await ctx.insert("loads", [{ scheduledFor, previous }]);
  if (process.env["FAIL"] === "1") throw new Error("not today");
  return scheduledFor;
} });
export default pipeline({ name: "posts", ${more} schema: "CREATE TABLE IF NOT EXISTS loads (scheduledFor, previous)", tasks: () => load() });
`;

type Ended = Awaited<ReturnType<typeof pipeloom>>;

class Site implements Disposable {
  readonly #folder = tempFolder();

  async write(text: string): Promise<void> {
    await Bun.write(join(this.#folder.path, "etl.ts"), text);
  }

  pipeloom(...args: readonly string[]): Promise<Ended> {
    return pipeloom(this.#folder.path, args);
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.pipeloom("run", "etl.ts", ...args);
  }

  rows(sql: string): unknown[] {
    using db = new Database(join(this.#folder.path, "pipeloom.db"), { readonly: true });
    return db.query(sql).values();
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const [first, second] = ["2026-11-27T01:30:00.000Z", "2026-11-28T01:30:00.000Z"];

test("a slot runs once, and its task knows it and the one before", async () => {
  using site = new Site();
  await site.write(file());
  expect((await site.run("--scheduled-for", "2026-11-27T02:30:00+01:00")).code).toBe(0);
  const again = await site.run("--scheduled-for", first);
  expect(again.code).toBe(0);
  expect(again.err).toContain(`the slot ${first} is done: nothing to run`);
  const next = await site.run("--scheduled-for", second, "--json");
  expect(JSON.parse(next.out.split("\n", 1)[0] ?? "")).toMatchObject({
    type: "run-started",
    slot: { scheduledFor: second, previous: first },
  });
  expect((await site.run()).code).toBe(0);
  // It reads its slot: `reuse` must not take the result of another one.
  expect(site.rows("SELECT * FROM loads ORDER BY rowid")).toEqual([
    [first, null],
    [second, first],
    [null, null],
  ]);
  expect(site.rows("SELECT scheduled_for, previous_slot, status FROM pipeline_runs")).toEqual([
    [first, null, "done"],
    [second, first, "done"],
    [null, null, "done"],
  ]);
  const status = await site.pipeloom("status", "--run", "2");
  expect(status.out).toMatch(/^slot {6}2026-11-2[78] /m);
  const runs = await site.pipeloom("runs", "--json");
  expect(JSON.parse(runs.out)).toMatchObject({
    runs: [{ scheduledFor: null }, { scheduledFor: second, previousSlot: first }, {}],
  });
  expect((await site.pipeloom("runs")).out).toContain("SLOT");
  const why = await site.pipeloom("why", "load", "3");
  expect(why.out).toContain("it reads which slot its run is for (ctx.run.scheduledFor)");
}, 60_000);

test("a slot that failed is continued, by the command that the summary shows too", async () => {
  using site = new Site();
  await site.write(file().replace('process.env["FAIL"] === "1"', "true"));
  const failed = await site.run("--scheduled-for", first);
  expect(failed.code).toBe(1);
  const shown = `pipeloom run etl.ts --scheduled-for ${first} --db pipeloom.db --rerun failed`;
  expect(failed.err.replaceAll(/\s+/g, " ")).toContain(shown);
  await site.write(file());
  const mended = await site.run("--scheduled-for", first, "--rerun", "failed");
  expect(mended).toMatchObject({ code: 0 });
  expect(site.rows("SELECT id, status FROM pipeline_runs")).toEqual([[1, "done"]]);
}, 60_000);

describe("what makes no sense is refused, and nothing is stored", () => {
  test.each([
    [["--scheduled-for", "2026-11-27"], "--scheduled-for: it must be a time with its time zone"],
    [["--scheduled-for", "2026-02-30T00:00Z"], "--scheduled-for: it must be a time"],
    [["--scheduled-for", first, "--fresh"], "leave out resume (--resume, --fresh)"],
    [["--scheduled-for", first, "--resume", "1"], "leave out resume (--resume, --fresh)"],
    [["--scheduled-for", first, "--only", "load"], "leave out only (--only)"],
    [
      ["--scheduled-for", first, "--db", ":memory:"],
      "leave out :memory: and --no-store-task-status",
    ],
    [["--scheduled-for", first, "--no-store-task-status"], "leave out :memory:"],
    [["--scheduled-for", first, "--watch"], "--scheduled-for is for one run"],
  ])("%p", async (args, says) => {
    using site = new Site();
    await site.write(file());
    const { code, err } = await site.run(...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(says) });
  });
});

test("a time that is none of the schedule is said; a dry run of a done slot says so", async () => {
  using site = new Site();
  await site.write(file('schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" },'));
  const off = await site.run("--scheduled-for", "2026-11-27T01:31:00Z");
  expect(off.code).toBe(0);
  expect(off.err).toContain('2026-11-27T01:31:00.000Z is not a time of the schedule of "posts"');
  const on = await site.run("--scheduled-for", first);
  expect(on.err).not.toContain("is not a time of the schedule");
  const dry = await site.run("--scheduled-for", first, "--dry-run");
  expect(dry.out + dry.err).toContain(`the slot ${first} is done`);
}, 60_000);
