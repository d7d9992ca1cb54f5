// Tasks that an earlier session of a run has done, and that the plan does not have any more: skipped, with their results, until
// the plan has them again.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import { newRig, type Rig } from "../support/rig.ts";

// Several sessions with threads of their own, on a slow machine.
setDefaultTimeout(60_000);

/** Each execution of `load` inserts a row. */
const days = (list: unknown, load = "day"): string => `
  const list = task({ name: "list", run: () => ${JSON.stringify(list)} });
  const load = task({ name: "load", async run({ day }: any, ctx) {
    await ctx.insert("t", [{ day }]);
    return ${load};
  } });
  const report = task({ name: "report", run: ({ all }: any) => all });
  export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (day)",
    tasks: () => report({ all: each(list() as any, (day) => load({ day })) }) });
`;

/** As `days`, with upserts, and results for later runs. */
const reused = (list: string): string =>
  days([])
    .replace("() => []", `() => ${list}`)
    .replace('name: "load"', 'name: "load", reuse: true')
    .replace("ctx.insert", "ctx.upsert")
    .replace("[{ day }]", '[{ day }], { key: "day" }')
    .replace("t (day)", "t (day PRIMARY KEY)");

const rerun = { rerun: ["list"] };
const tasks = (rig: Rig): string[] =>
  rig
    .rows("SELECT concat_ws(' ', name, status, result) AS text FROM task_runs ORDER BY id")
    .map(({ text }) => String(text));
const loaded = (rig: Rig): unknown =>
  rig.rows("SELECT group_concat(day, '') AS days FROM (SELECT day FROM t ORDER BY day)")[0]?.[
    "days"
  ];

describe("a done task that the plan does not have any more", () => {
  test("is skipped, and counts as that everywhere", async () => {
    await using rig = newRig();
    await rig.run(rig.pipeline(days(["a", "b", "c"])));
    const again = await rig.start(rig.pipeline(days(["a", "x"])), rerun);
    const summary = await again.end;
    expect(summary).toMatchObject({
      status: "done",
      total: 7,
      done: 4,
      alreadyDone: 1,
      skipped: 3,
    });
    expect(tasks(rig).filter((task) => task.includes("skipped"))).toEqual([
      'report skipped ["a","b","c"]',
      'load skipped "b"',
      'load skipped "c"',
    ]);
    const [run] = rig.rows("SELECT counts FROM pipeline_runs");
    expect(JSON.parse(String(run?.["counts"]))).toMatchObject({ done: 4, skipped: 3 });
    const whys = rig.rows(
      "SELECT DISTINCT error ->> 'message' AS why FROM task_runs WHERE status <> 'done'",
    );
    expect(whys).toEqual([{ why: expect.stringContaining("the last session did not plan it") }]);
    // The next session says what it can go on from.
    const next = await rig.start(rig.pipeline(days(["a", "x"])), { rerun: ["load"] });
    await next.end;
    expect(next.events).toContainEqual(expect.objectContaining({ alreadyDone: 2 }));
    expect(next.events).toContainEqual(
      expect.objectContaining({
        tasks: [{ task: "load", reason: "asked", isKept: false, count: 2 }],
      }),
    );
  });

  test("is not run twice when it comes back, and its result is used", async () => {
    await using rig = newRig();
    await rig.run(rig.pipeline(days(["a", "b"])));
    const rows = rig.rows("SELECT * FROM task_runs WHERE name = 'load' ORDER BY id");
    await rig.run(rig.pipeline(days(["b"])), rerun);
    await rig.run(rig.pipeline(days(["x"])), rerun);
    expect(await rig.run(rig.pipeline(days(["a", "b"])), rerun)).toMatchObject({
      done: 4,
      alreadyDone: 3,
      skipped: 3,
    });
    expect(loaded(rig)).toBe("abx");
    const now = "SELECT * FROM task_runs WHERE name = 'load' AND status = 'done' ORDER BY id";
    expect(rig.rows(now)).toEqual(rows);
  });

  test("stays done where the session was stopped: its plan was not all there", async () => {
    await using rig = newRig();
    const { control } = rig;
    await rig.run(rig.pipeline(days(["a", "b"])));
    const slow = days(["a"]).replace(
      '() => ["a"]',
      '(_: unknown, ctx) => step("list", 0, ctx.signal)',
    );
    const stopped = await rig.start(rig.pipeline(slow), rerun);
    const call = await control.next("list");
    stopped.run.stop(false);
    await call.gone;
    expect(await stopped.end).toMatchObject({ status: "cancelled" });
    expect(tasks(rig).filter((task) => /^(?:load|report) done/.test(task))).toHaveLength(3);
  });

  test("is asked about where its code has changed and it would insert twice", async () => {
    await using rig = newRig();
    await rig.run(rig.pipeline(days(["a"])));
    await rig.run(rig.pipeline(days([])), rerun);
    expect(tasks(rig)).toContain('load skipped "a"');
    const changed = await rig.start(rig.pipeline(days(["a"], "day + day")), rerun);
    expect(changed.end).rejects.toThrow("running again would do so twice");
    expect(tasks(rig)).toContain('load skipped "a"');
  });

  test("may be asked for by its title, and runs if the plan has it", async () => {
    await using rig = newRig();
    await rig.run(rig.pipeline(days(["a", "b"])));
    await rig.run(rig.pipeline(days(["b"])), rerun);
    const both = { rerun: ["list", "load day=a"] };
    const again = await rig.start(rig.pipeline(days(["a", "b"])), both);
    expect(await again.end).toMatchObject({ status: "done", done: 4, alreadyDone: 2 });
    expect(loaded(rig)).toBe("aab");
  });

  test("gives its result to later runs", async () => {
    await using rig = newRig();
    await rig.run(rig.pipeline(reused('["a", "b"]')));
    await rig.run(rig.pipeline(reused('["b"]')), rerun);
    const fresh = { resume: "fresh" } as const;
    expect(await rig.run(rig.pipeline(reused('["a", "b"]')), fresh)).toMatchObject({ reused: 2 });
  });
});
