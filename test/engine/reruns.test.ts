// Tasks of a continued run that run again, with real threads and a real file.

import { describe, expect, test } from "bun:test";

import { newRig, type Rig } from "../support/rig.ts";

const definitions = (rig: Rig): unknown[] =>
  rig
    .rows("SELECT name, repeats FROM pipeloom_definitions ORDER BY name")
    .map((row) => [row["name"], row["repeats"]]);

test("which tasks would do twice what they did is known: those that inserted or emitted, not those that upserted", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const note = message("note", (db, { n }) => { db.run("INSERT INTO t VALUES (?)", n); });
    const inserts = task({ name: "inserts", run: (_: unknown, ctx) => ctx.insert("t", [{ n: 1 }]) });
    const emits = task({ name: "emits", run: (_: unknown, ctx) => { ctx.emit(note, { n: 2 }); } });
    const upserts = task({ name: "upserts", run: (_: unknown, ctx) => ctx.upsert("t", [{ n: 3 }], { key: "n" }) });
    const partly = task({ name: "partly", async run(_: unknown, ctx) {
      await ctx.insert("t", [{ n: 4 }]);
      await ctx.checkpoint(1);
      throw new Error("after its checkpoint");
    } });
    const refused = task({ name: "refused", run: (_: unknown, ctx) => ctx.insert("t", [{ n: 1 }, { n: 1 }]) });
    const fails = task({ name: "fails", async run(_: unknown, ctx) { await ctx.insert("t", [{ n: 5 }]); throw new Error("no"); } });
    const skips = task({ name: "skips", run: (_: unknown, ctx) => ctx.upsert("t", [{ n: 3 }], { key: "n", update: "nothing" }) });
    export default pipeline({ name: "p", messages: [note], schema: "CREATE TABLE IF NOT EXISTS t (n UNIQUE)",
      tasks: () => [inserts(0), emits(0), upserts(0), partly(0), refused(0), fails(0), skips(0)] });
  `);
  expect(await rig.run(file)).toMatchObject({ done: 4, failed: 3 });
  expect(definitions(rig)).toEqual([
    ["emits", 1],
    ["fails", 0],
    ["inserts", 1],
    ["partly", 1],
    ["refused", 0],
    ["skips", 0],
    ["upserts", 0],
  ]);
});

test("an upsert counts as an insert where its key has a NULL, or where it fires a trigger", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const key = { key: ["a", "b"] };
    const upserts = (name: string, table: string, rows: (n: number) => Iterable<object>) =>
      task({ name, run: (n: number, ctx) => ctx.upsert(table, rows(n) as any, key) });
    const values = upserts("values", "T", (n) => [{ a: n, b: "v", c: null }, { c: 0, b: "w", a: n }]);
    const first = upserts("first", "t", (n) => [{ a: null, b: n }]);
    const among = upserts("among", "t", (n) => [{ c: 1, a: n, b: "x" }, { a: n, b: "y" }, { b: null, a: n, c: 1 }]);
    const fires = upserts("fires", "Watched", (n) => [{ a: n, b: n }]);
    export default pipeline({ name: "p", tasks: () => [values(1), first(2), among(3), fires(4)],
      schema: \`CREATE TABLE IF NOT EXISTS t (a, b, c, UNIQUE (a, b));
        CREATE TABLE IF NOT EXISTS watched (a, b, PRIMARY KEY (a, b));
        CREATE TABLE IF NOT EXISTS seen (a);
        CREATE TRIGGER IF NOT EXISTS see AFTER UPDATE ON watched BEGIN INSERT INTO seen VALUES (new.a); END\` });
  `);
  expect(await rig.run(file)).toMatchObject({ done: 4 });
  expect(definitions(rig)).toEqual([
    ["among", 1],
    ["fires", 1],
    ["first", 1],
    ["values", 0],
  ]);
});

describe("a run that is over", () => {
  const chain = `
    const list = task({ name: "list", run: () => ["a", "b"] });
    const load = task({ name: "load", run: ({ day }: { day: string }, ctx) => ctx.insert("t", [{ day }]) });
    const report = task({ name: "report", run: ({ all }: { all: unknown }) => all });
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (day)",
      tasks: () => report({ all: each(list(), (day) => load({ day })) }) });
  `;

  /** `chain` with this list. */
  const days = (...names: string[]): string => chain.replace('["a", "b"]', JSON.stringify(names));

  test("runs a task again as asked, and nothing else where its results are the same", async () => {
    await using rig = newRig();
    const file = rig.pipeline(chain);
    await rig.run(file);
    const again = await rig.start(file, { rerun: ["load"] });
    expect(await again.end).toMatchObject({ run: 1, status: "done", done: 4, alreadyDone: 2 });
    expect(again.events).toContainEqual(
      expect.objectContaining({
        type: "run-reruns",
        tasks: [{ task: "load", reason: "asked", isKept: false, count: 2 }],
      }),
    );
    expect(rig.rows("SELECT id, name, status, attempt FROM task_runs ORDER BY id")).toHaveLength(4);
    expect(rig.rows("SELECT day FROM t ORDER BY day").map(({ day }) => day)).toEqual([
      "a",
      "a",
      "b",
      "b",
    ]);
  });

  test.each([false, true])(
    "a task that is not in the plan is not run again in a later session that has it (downstream: %p)",
    async (downstream) => {
      await using rig = newRig();
      await rig.run(rig.pipeline(days("a", "b")));
      await rig.run(rig.pipeline(days("a")), { rerun: ["list"] });
      await rig.run(rig.pipeline(days("a")), { rerun: ["load"], downstream });
      expect(rig.rows("SELECT name, reason FROM task_runs WHERE fingerprint IS NOT NULL")).toEqual(
        [],
      );
      expect(
        rig.rows("SELECT id FROM task_runs WHERE name = 'load' AND reason IS NULL"),
      ).toHaveLength(1);
      await rig.run(rig.pipeline(days("a", "b")), { rerun: ["list"] });
      expect(rig.rows("SELECT day FROM t ORDER BY day").map(({ day }) => day)).toEqual([
        "a",
        "a",
        "b",
      ]);
    },
  );

  test("a changed task that was not in the plan when it was to run again does not keep the result of its earlier code", async () => {
    await using rig = newRig();
    const listed = rig.file("days.json");
    const code = (v: number): string => `
      import { readFileSync } from "node:fs";
      const load = task({ name: "load", run: ({ day }: { day: string }) => [day, ${v}] });
      const other = task({ name: "other", run: () => 1 });
      const days = () => JSON.parse(readFileSync(${JSON.stringify(listed)}, "utf8")) as string[];
      export default pipeline({ name: "p", tasks: () => [other(), ...days().map((day) => load({ day }))] });
    `;
    rig.write("days.json", '["a","b"]');
    await rig.run(rig.pipeline(code(1)));
    rig.write("days.json", '["a"]');
    const edited = rig.pipeline(code(2));
    await rig.run(edited, { rerun: ["load"] });
    rig.write("days.json", '["a","b"]');
    await rig.run(edited, { rerun: ["other"] });
    const results = "SELECT result FROM task_runs WHERE name = 'load' ORDER BY result";
    expect(rig.rows(results).map(({ result }) => result)).toEqual(['["a",2]', '["b",2]']);
  });

  test("runs again what failed, and what was skipped because of it; an optional task too", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const fine = task({ name: "fine", run: () => 1 });
      const fails = task({ name: "fails", run: (_: unknown, ctx) => step("fails", 0, ctx.signal) });
      const needs = task({ name: "needs", run: (v: any) => v });
      const maybe = task({ name: "maybe", optional: true, run: (_: unknown, ctx) => step("maybe", 0, ctx.signal) });
      const reads = task({ name: "reads", run: (v: any) => v });
      export default pipeline({ name: "p", tasks: () => [fine(0), needs(fails(0)), reads(maybe(0))] });
    `);
    const first = await rig.start(file, { workers: 1 });
    (await control.next("fails")).fail("down");
    (await control.next("maybe")).fail("down");
    expect(await first.end).toMatchObject({ done: 2, failed: 2, skipped: 1 });
    const again = await rig.start(file, { workers: 1, rerun: ["failed"] });
    (await control.next("fails")).finish(7);
    (await control.next("maybe")).finish(8);
    expect(await again.end).toMatchObject({ run: 1, status: "done", alreadyDone: 1, failed: 0 });
    const results =
      "SELECT name, result FROM task_runs WHERE name IN ('needs', 'reads') ORDER BY id";
    expect(rig.rows(results).map(({ result }) => result)).toEqual(
      expect.arrayContaining(["7", "8"]),
    );
    const none = await rig.start(file, { rerun: ["failed"] });
    expect(none.end).rejects.toThrow("has no task that failed");
  });

  test("names that are no task's, or contradict each other", async () => {
    await using rig = newRig();
    const file = rig.pipeline(chain);
    expect(rig.start(file, { keep: ["x"] })).rejects.toThrow("the tasks are list, load, report");
    expect(rig.start(file, { rerun: ["laod"] })).rejects.toThrow("did you mean load?");
    expect(rig.start(file, { keep: ["repotr"] })).rejects.toThrow("did you mean report?");
    expect(rig.start(file, { keep: ["load"], rerun: ["load"] })).rejects.toThrow("to be kept and");
    expect(rig.start(file, { keep: ["load"], resume: "fresh" })).rejects.toThrow("a fresh run");
    expect((await rig.start(file, { rerun: ["load"] })).end).rejects.toThrow("no run of");
    expect((await rig.start(file, { rerun: ["x"] })).end).rejects.toThrow("no run of");
  });
});

const withCode = (v: number): string => `
    const load = task({ name: "load", async run({ n }: { n: number }, ctx) {
      if (n === 1) await step("load", ${v}, ctx.signal);
      return [n, ${v}];
    } });
    const fails = task({ name: "fails", run() { throw new Error("down"); } });
    export default pipeline({ name: "p", tasks: () => [load({ n: 1 }), load({ n: 2 }), load({ n: 3 }), fails()] });
`;

test("tasks that are to run again, and have not when the run is cancelled, keep their results for an edit that is undone", async () => {
  await using rig = newRig();
  const { control } = rig;
  const first = await rig.start(rig.pipeline(withCode(1)), { workers: 1 });
  (await control.next("load")).finish();
  expect(await first.end).toMatchObject({ done: 3, failed: 1 });
  const edited = await rig.start(rig.pipeline(withCode(2)), { workers: 1, resume: "last" });
  const call = await control.next("load");
  edited.run.stop(false);
  await call.gone;
  expect(await edited.end).toMatchObject({ status: "cancelled", queued: 3 });
  const undone = await rig.start(rig.pipeline(withCode(1)), { workers: 1, resume: "last" });
  (await control.next("load")).finish();
  expect(await undone.end).toMatchObject({ done: 3, alreadyDone: 2, failed: 1 });
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'load' ORDER BY id")).toEqual(
    [1, 2, 3].map((n) => ({ result: JSON.stringify([n, 1]) })),
  );
});

const marks = (rig: Rig): unknown[] =>
  rig.rows("SELECT id FROM task_runs WHERE fingerprint IS NOT NULL").map(({ id }) => id);
/** How often each task has run, by its name: the file counts, because attempts begin at 1 again. */
const counts = (rig: Rig): unknown =>
  Object.fromEntries(
    rig.rows("SELECT name, COUNT(*) AS n FROM ran GROUP BY name").map(({ name, n }) => [name, n]),
  );

describe("a task runs again with what depends on it", () => {
  const ran = "const ran = (ctx: any, name: string) => ctx.insert('ran', [{ name }]);";
  const schema = "schema: 'CREATE TABLE IF NOT EXISTS ran (name)'";

  test("through inputs, order, fan-outs and streams, although nothing differs", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      ${ran}
      const make = (name: string, result: (input: any) => unknown) =>
        task({ name, async run(input: any, ctx) { await ran(ctx, name); return result(input); } });
      const list = make("list", () => [1, 2]);
      const load = make("load", ({ i }) => i);
      const inner = make("inner", ({ v }) => v);
      const report = make("report", ({ all }) => all.length);
      const after = make("after", () => null);
      const beside = make("beside", () => null);
      const late = make("late", ({ n }) => n);
      export default pipeline({ name: "p", ${schema}, *tasks() {
        const source = list({});
        const all = each(source, (i) => inner({ v: load({ i }) }));
        const end = report({ all });
        yield end;
        yield after({}, { after: [end] });
        yield beside({});
        for (let i = 0; i < 3; i++) yield late({ n: end, i });
      } });
    `);
    await rig.run(file);
    const again = await rig.start(file, { rerun: ["load"], downstream: true });
    expect(await again.end).toMatchObject({ status: "done", done: 11, alreadyDone: 2 });
    expect(counts(rig)).toEqual({
      list: 1,
      load: 4,
      inner: 4,
      report: 2,
      after: 2,
      beside: 1,
      late: 6,
    });
    expect(again.events).toContainEqual(
      expect.objectContaining({
        tasks: [{ task: "load", reason: "asked", isKept: false, downstream: true, count: 2 }],
      }),
    );
    expect(marks(rig)).toEqual([]);
    await rig.run(file, { rerun: ["list"], downstream: true });
    expect(counts(rig)).toMatchObject({
      list: 2,
      load: 6,
      inner: 6,
      report: 3,
      after: 3,
      beside: 1,
    });
  });

  test("but not a task from outside of a fan-out that the items use, whatever comes first", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      ${ran}
      const make = (name: string, result: (input: any) => unknown) =>
        task({ name, async run(input: any, ctx) { await ran(ctx, name); return result(input); } });
      const list = make("list", () => [1, 2]);
      const inner = make("inner", () => [3]);
      const config = make("config", () => null);
      const early = make("early", () => null);
      const lists = make("lists", () => [4]);
      const load = make("load", () => null);
      const before = early({});
      export default pipeline({ name: "p", ${schema}, tasks: () => {
        const once = config({});
        const all = each(list({}), (i) => {
          const source = lists({ i });
          return each(inner({}), (j) => load({ i, j, once, before, source }));
        });
        return all;
      } });
    `);
    await rig.run(file);
    const first = { list: 1, inner: 2, config: 1, early: 1, lists: 2, load: 2 };
    expect(counts(rig)).toEqual(first);
    await rig.run(file, { rerun: ["inner"], downstream: true });
    expect(counts(rig)).toEqual({ ...first, inner: 4, load: 4 });
    await rig.run(file, { rerun: ["list"], downstream: true });
    expect(counts(rig)).toEqual({ ...first, list: 2, inner: 6, lists: 4, load: 6 });
  });

  test("what was cut short goes on in the next session: each task once", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      ${ran}
      const first = task({ name: "first", async run(_: unknown, ctx) { await ran(ctx, "first"); return 1; } });
      const second = task({ name: "second", async run(v: any, ctx) { await ran(ctx, "second"); return v; } });
      const third = task({ name: "third", async run(v: any, ctx) { await step("third", 0, ctx.signal); await ran(ctx, "third"); return v; } });
      const fourth = task({ name: "fourth", async run(v: any, ctx) { await ran(ctx, "fourth"); return v; } });
      export default pipeline({ name: "p", ${schema}, tasks: () => fourth(third(second(first(0)))) });
    `);
    const whole = await rig.start(file, { workers: 1 });
    (await control.next("third")).finish();
    expect(await whole.end).toMatchObject({ status: "done" });
    const cut = await rig.start(file, { workers: 1, rerun: ["first"], downstream: true });
    const call = await control.next("third");
    cut.run.stop(false);
    await call.gone;
    expect(await cut.end).toMatchObject({ status: "cancelled" });
    expect(counts(rig)).toEqual({ first: 2, second: 2, third: 1, fourth: 1 });
    const rest = await rig.start(file, { workers: 1, resume: "last" });
    (await control.next("third")).finish();
    expect(await rest.end).toMatchObject({ status: "done", alreadyDone: 2 });
    expect(counts(rig)).toEqual({ first: 2, second: 2, third: 2, fourth: 2 });
    expect(marks(rig)).toEqual([]);
  });
});
