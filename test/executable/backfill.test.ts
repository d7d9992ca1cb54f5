// `pipeloom backfill` by the executable: real runs of slots, real signals, a real terminal.

import { expect, setDefaultTimeout, test } from "bun:test";

import { ended, newRig, type Rig } from "../support/rig.ts";
import { openPty } from "../support/pty.ts";

setDefaultTimeout(120_000);

/** Held by the test: each slot waits in `step("day", slot)`. */
const daily = `
  const load = task({ name: "load", async run({ limit }: { limit: number }, ctx) {
    const slot = ctx.run.scheduledFor ?? "";
    const says = await step("day", slot, ctx.signal);
    if (says === "fail") throw new Error("no such day");
    await ctx.insert("days", [{ slot: slot.slice(0, 10), previous: ctx.run.previous?.slice(0, 10) ?? null, n: limit }]);
  } });
  export default pipeline({ name: "days", schedule: { cron: "30 2 * * *", tz: "UTC" }, params: { limit: 3 },
    schema: "CREATE TABLE IF NOT EXISTS days (slot, previous, n)",
    tasks: ({ params }) => load({ limit: params.limit }) });
`;

const range = ["--from", "2024-02-27", "--to", "2024-03-01"];
const dates = ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"];
const backfill = ["backfill", "pipeline.ts", "--db", "test.db", ...range];

const shown = (err: string): string => err.replaceAll(/\s+/g, " ");
const isoOf = (date: string): string => `${date}T02:30:00.000Z`;

/** Answers the next slots in the order in which they come. @returns them */
async function answer(rig: Rig, ...says: readonly unknown[]): Promise<string[]> {
  const slots: string[] = [];
  for (const each of says) {
    const call = await rig.control.next("day");
    slots.push(String(call.input).slice(0, 10));
    call.finish(each);
  }
  return slots;
}

type Line = Record<string, unknown> & { type: string };
const linesOf = (out: string): Line[] =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

test("each slot runs once, the oldest first; a failed one is named with its command, and runs again when it is asked for", async () => {
  await using rig = newRig();
  void rig.control;
  rig.pipeline(daily);
  const child = rig.spawn(...backfill, "--param", "limit=7");
  expect(await answer(rig, 0, "fail", 0, 0)).toEqual(dates);
  const first = await ended(child);
  expect({ code: first.code, out: first.out }).toEqual({ code: 1, out: "" });
  expect(first.err).toContain(
    "days: 4 slots to run, 2024-02-27 02:30 … 2024-03-01 02:30 (UTC) → test.db",
  );
  expect(first.err).toContain("✖ days: 3 of 4 slots done, 1 failed in");
  const command = `pipeloom run pipeline.ts --param limit=7 --db test.db --scheduled-for ${isoOf("2024-02-28")}`;
  expect(shown(first.err)).toContain(`2024-02-28 02:30 load limit=7: no such day ${command}`);
  const again = await rig.pipeloom(...backfill, "--param", "limit=7");
  expect(again.code).toBe(1);
  expect(again.err).toContain("0 of 4 slots to run");
  expect(again.err).toContain("✖ days: 3 of 4 slots done, 1 failed");
  const rerun = rig.spawn(...backfill, "--param", "limit=7", "--rerun", "failed");
  expect(await answer(rig, 0)).toEqual(["2024-02-28"]);
  const last = await ended(rerun);
  expect({ code: last.code, err: last.err }).toEqual({
    code: 0,
    err: expect.stringContaining("✔ days: 4 of 4 slots done in"),
  });
  expect(rig.list()).toEqual(["control.ts", "pipeline.ts", "test.db"]);
  // The slot that was mended last knew the one before it.
  expect(rig.rows("SELECT slot, previous, n FROM days ORDER BY slot")).toEqual([
    { slot: "2024-02-27", previous: null, n: 7 },
    { slot: "2024-02-28", previous: "2024-02-27", n: 7 },
    { slot: "2024-02-29", previous: "2024-02-27", n: 7 },
    { slot: "2024-03-01", previous: "2024-02-29", n: 7 },
  ]);
  expect(rig.rows("SELECT count(*) AS n, min(trigger) AS by FROM pipeline_runs")).toEqual([
    { n: 4, by: "backfill" },
  ]);
});

test("two at once share the database; --reverse, --json, --dry-run", async () => {
  await using rig = newRig();
  void rig.control;
  rig.pipeline(daily);
  const child = rig.spawn(...backfill, "-c2", "--reverse", "--json");
  const [one, two] = [await rig.control.next("day"), await rig.control.next("day")];
  expect([one, two].map(({ input }) => String(input)).toSorted()).toEqual([
    isoOf("2024-02-29"),
    isoOf("2024-03-01"),
  ]);
  const plan = await rig.pipeloom(...backfill, "--json", "--dry-run");
  expect(JSON.parse(plan.out)).toMatchObject({
    version: 1,
    pipeline: "days",
    slots: [
      { slot: isoOf("2024-02-27"), state: "none", run: null, action: "run" },
      { state: "none" },
      { slot: isoOf("2024-02-29"), state: "running", action: "none" },
      { slot: isoOf("2024-03-01"), state: "running", action: "none" },
    ],
  });
  one.finish();
  two.finish();
  expect((await answer(rig, 0, 0)).toSorted()).toEqual(["2024-02-27", "2024-02-28"]);
  const { code, out } = await ended(child);
  expect(code).toBe(0);
  const lines = linesOf(out);
  expect(lines[0]).toMatchObject({ type: "backfill-started", slots: 4, toRun: 4 });
  expect(lines.at(-1)).toMatchObject({
    type: "backfill-finished",
    status: "done",
    done: 4,
    left: 0,
  });
  const ends = lines.filter(({ type }) => type === "slot-finished");
  expect(ends.map(({ slot }) => String(slot)).toSorted()).toEqual(dates.map(isoOf));
  expect(ends).toEqual(
    ends.map(({ slot, at, run }) => ({ type: "slot-finished", slot, at, run, status: "done" })),
  );
  const table = await rig.pipeloom(...backfill, "--dry-run");
  expect(table.code).toBe(0);
  expect(table.out).toMatch(/^2024-02-28 02:30 {2}\d {4}done$/m);
});

test("a run that goes on elsewhere is not doubled, and --wait waits for it", async () => {
  await using rig = newRig();
  void rig.control;
  rig.pipeline(daily);
  const own = rig.spawn(
    "run",
    "pipeline.ts",
    "--db",
    "test.db",
    "--scheduled-for",
    isoOf("2024-02-28"),
  );
  const held = await rig.control.next("day");
  const short = [
    "backfill",
    "pipeline.ts",
    "--db",
    "test.db",
    "--from",
    "2024-02-27",
    "--to",
    "2024-02-28",
  ];
  const beside = rig.spawn(...short);
  expect(await answer(rig, 0)).toEqual(["2024-02-27"]);
  const end = await ended(beside);
  expect(end.code).toBe(1);
  expect(end.err).toContain("1 of 2 slots done, 1 running elsewhere");
  expect(end.err).toContain("run 1 goes on elsewhere");
  const waiting = rig.spawn(...short, "--wait", "-v");
  const over = ended(waiting);
  held.finish();
  expect((await ended(own)).code).toBe(0);
  expect((await over).code).toBe(0);
  expect(rig.rows("SELECT count(*) AS n FROM days")).toEqual([{ n: 2 }]);
});

test("params of standard input reach each run", async () => {
  await using rig = newRig();
  void rig.control;
  rig.pipeline(daily);
  const child = Bun.spawn([...rig.command(...backfill), "--params", "-"], {
    cwd: rig.path,
    stdin: new Blob(['{"limit": 5}']),
    stdout: "pipe",
    stderr: "pipe",
  });
  await answer(rig, 0, 0, 0, 0);
  expect(await child.exited).toBe(0);
  expect(rig.rows("SELECT DISTINCT n FROM days")).toEqual([{ n: 5 }]);
});

test.skipIf(process.platform === "win32").each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "%s: the runs of slots are told, what is left is said, exit %i; the next one goes on",
  async (signal, code) => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(daily);
    const child = rig.spawn(...backfill, "-c2");
    const calls = [await rig.control.next("day"), await rig.control.next("day")];
    child.kill(signal);
    await Promise.all(calls.map(({ gone }) => gone));
    const end = await ended(child);
    expect(end.code).toBe(code);
    expect(end.err).toContain("■ days: 0 of 4 slots done, 2 stopped, 2 not started");
    expect(end.err).toContain(
      "to go on: pipeloom backfill pipeline.ts --db test.db --from 2024-02-27",
    );
    const next = rig.spawn(...backfill);
    expect(await answer(rig, 0, 0, 0, 0)).toEqual(dates);
    expect((await ended(next)).code).toBe(0);
    expect(rig.rows("SELECT count(*) AS n FROM pipeline_runs")).toEqual([{ n: 4 }]);
  },
);

test.skipIf(process.platform === "win32")(
  "kill -9 of a backfill: its slot runs to its end, and no slot runs twice",
  async () => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(daily);
    const child = rig.spawn(...backfill);
    const held = await rig.control.next("day");
    child.kill("SIGKILL");
    await child.exited;
    const next = rig.spawn(...backfill, "--wait");
    held.finish();
    expect(await answer(rig, 0, 0, 0)).toEqual(dates.slice(1));
    expect((await ended(next)).code).toBe(0);
    expect(rig.rows("SELECT slot, count(*) AS n FROM days GROUP BY slot")).toEqual(
      dates.map((slot) => ({ slot, n: 1 })),
    );
  },
);

test("what makes no sense is refused, and nothing runs", async () => {
  await using rig = newRig();
  rig.pipeline(`export default pipeline({ name: "p", tasks: () => [] });`);
  const none = await rig.pipeloom("backfill", "pipeline.ts", "--from", "2024-01-01");
  expect(none).toMatchObject({ code: 1, out: "" });
  expect(none.err).toContain('pipeline.ts: pipeline "p" has no schedule, so it has no slots');
  rig.pipeline(
    `export default pipeline({ name: "p", params: { limit: 1 }, schedule: { every: "1h" }, tasks: () => [] });`,
  );
  const cases: [string[], string][] = [
    [[], "--from is required"],
    [["--from", "soon"], "--from must be a day"],
    [["--from", "1d", "--param", "limit=x"], "limit"],
    [["--from", "1d", "--db", ":memory:"], "needs a database that keeps its runs"],
    [["--from", "1d", "--downstream"], "--downstream goes with --rerun"],
    [["--from", "1970-01-01"], "more than 100,000 slots"],
  ];
  for (const [args, says] of cases) {
    const { code, err } = await rig.pipeloom("backfill", "pipeline.ts", ...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(says) });
  }
  expect(rig.list()).toEqual(["pipeline.ts"]);
  const empty = await rig.pipeloom(
    "backfill",
    "pipeline.ts",
    "--from",
    "2024-01-01T00:10",
    "--to",
    "2024-01-01T00:20",
  );
  expect(empty.code).toBe(0);
  expect(empty.err).toContain("nothing to run");
  const noSlot = ["--from", "2024-01-01T00:10", "--to", "2024-01-01T00:20"];
  const data = await rig.pipeloom("backfill", "pipeline.ts", ...noSlot, "--json");
  expect(data.code).toBe(0);
  expect(linesOf(data.out)).toMatchObject([
    { type: "backfill-started", slots: 0, toRun: 0 },
    { type: "backfill-finished", status: "done", done: 0, left: 0 },
  ]);
});

test.skipIf(process.platform === "win32")(
  "on a terminal: all slots, and those that run; Ctrl-C ends them, and what is left stays",
  async () => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(daily);
    await using pty = openPty([...backfill, "-c2"], { cwd: rig.path });
    const [one, two] = [await rig.control.next("day"), await rig.control.next("day")];
    const screen = (): string => pty.screen.screen().join("\n");
    await pty.until(
      () => /All slots .*0\/4/.test(screen()) && screen().includes("2024-02-28 02:30"),
      "two slots that run",
    );
    expect(screen()).toContain("+ 2 queued");
    // The newest one is held on: which of the two is it?
    const [early, late] = String(one.input) < String(two.input) ? [one, two] : [two, one];
    early.finish();
    const third = await rig.control.next("day");
    expect(third.input).toBe(isoOf("2024-02-29"));
    await pty.until(() => /All slots .*1\/4/.test(screen()), "one is done");
    pty.type("\x03");
    await Promise.all([late.gone, third.gone]);
    expect(await pty.exited).toBe(130);
    expect(screen()).toContain("■ days: 1 of 4 slots done, 2 stopped, 1 not started");
  },
);
