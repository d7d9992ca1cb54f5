// Equal calls whose results differ, in a run that continues: each gets its own result again.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { newRig, type Rig, type Started } from "../support/rig.ts";

/** In the first session the lists come in the other order than in the plan. */
const etl = (item: string): string => `
  const list = task({ name: "list", run: ({ d }: { d: number }) => step("list " + d).then(() => ["x", "y"]) });
  const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
  const wrap = task({ name: "wrap", run: ({ t }: { t: string }) => "wrapped " + t });
  const save = task({ name: "save", async run(row: Record<string, unknown>, ctx) { await ctx.insert("t", [row as any]); } });
  const gate = task({ name: "gate", run: ({ all }: { all: unknown }) => step("gate").then(() => all) });
  export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (d, x, t)",
    tasks: () => gate({ all: each([0, 1, 2], (d) => each(list({ d }), (x) => { ${item} })) as never }) });
`;

async function failsAtTheGate(rig: Rig, file: string, perList: number): Promise<void> {
  const { control } = rig;
  const first = await rig.start(file, { workers: 1, concurrency: 3 });
  for (const [ended, d] of [2, 1, 0].entries()) {
    await first.ended(ended * (perList + 1));
    (await control.next(`list ${d}`)).finish();
  }
  (await control.next("gate")).fail("not yet");
  expect(await first.end).toMatchObject({ failed: 1 });
}

test.each([
  ["read beside other values", 4, "return save({ d, x, t: ticket() });"],
  ["read by a task that has no other input", 6, "return save({ d, x, t: wrap({ t: ticket() }) });"],
  ["two of them in one input", 6, "return save({ d, x, t: [ticket(), ticket()] });"],
  [
    "read by the items of a fan-out",
    6,
    "const t = ticket(); return each([1, 2], (i) => save({ d, x: x + i, t }));",
  ],
])("%s: nothing runs again", async (_, perList, item) => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(etl(item));
  await failsAtTheGate(rig, file, perList);
  const rows = rig.rows("SELECT * FROM t ORDER BY d, x");
  const second = await rig.start(file, { workers: 1, resume: "last" });
  (await control.next("gate")).finish();
  expect(await second.end).toMatchObject({
    status: "done",
    alreadyDone: 3 * (perList + 1),
    done: 3 * (perList + 1) + 1,
  });
  expect(second.output).toEqual([]);
  expect(rig.rows("SELECT * FROM t ORDER BY d, x")).toEqual(rows);
});

test("whose dependents have not run yet take what is left", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(
    etl("return save({ d, x, t: ticket() });").replace(
      "async run(row: Record<string, unknown>, ctx) {",
      "async run(row: Record<string, unknown>, ctx) { if (row['d'] === 1) await step('save');",
    ),
  );
  const first = await rig.start(file, { workers: 1, concurrency: 6 });
  (await control.next("list 2")).finish();
  await first.ended(5);
  (await control.next("list 1")).finish();
  const waiting = [await control.next("save"), await control.next("save")];
  (await control.next("list 0")).finish();
  await first.ended(5 + 3 + 5);
  for (const call of waiting) call.fail("down");
  expect(await first.end).toMatchObject({ failed: 2, skipped: 1 });
  const second = await rig.start(file, { workers: 1, concurrency: 2, resume: "last" });
  for (let i = 0; i < 2; i++) (await control.next("save")).finish();
  (await control.next("gate")).finish();
  expect(await second.end).toMatchObject({ status: "done", alreadyDone: 13, done: 16 });
  expect(rig.rows("SELECT COUNT(*) AS n, COUNT(DISTINCT t) AS tickets FROM t")).toEqual([
    { n: 6, tickets: 6 },
  ]);
});

const gate = `const gate = task({ name: "gate", run: ({ all }: { all: unknown }) => step("gate", all) });`;

/** What the gate is given in a session in which it fails, and in the next one. */
async function throughGate(
  rig: Rig,
  file: string,
  first: (session: Started) => Promise<void>,
): Promise<readonly unknown[]> {
  const { control } = rig;
  const session = await rig.start(file, { workers: 1, concurrency: 3 });
  await first(session);
  const failing = await control.next("gate");
  failing.fail("not yet");
  expect(await session.end).toMatchObject({ failed: 1 });
  const next = await rig.start(file, { workers: 1, resume: "last" });
  const passing = await control.next("gate");
  passing.finish();
  expect(await next.end).toMatchObject({ status: "done", done: expect.any(Number) });
  return [failing.input, passing.input];
}

test("read only through the list of a fan-out: it is the same list", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", run: ({ d }: { d: number }) => step("list " + d).then(() => ["x", "y", "y"]) });
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    ${gate}
    export default pipeline({ name: "p", tasks: () =>
      gate({ all: each([0, 1, 2], (d) => each(list({ d }), () => ({ a: ticket(), b: each([0, 1], () => ticket()) }))) as never }) });
  `);
  const [before, after] = await throughGate(rig, file, async (session) => {
    for (const [ended, d] of [2, 1, 0].entries()) {
      await session.ended(ended * 10);
      (await control.next(`list ${d}`)).finish();
    }
  });
  expect(JSON.stringify(before).length).toBeGreaterThan(27 * 36);
  expect(after).toEqual(before);
});

test("nodes that are passed on into fan-outs, whichever comes first", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", run: ({ d }: { d: number }) => step("list " + d).then(() => ["x"]) });
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    ${gate}
    export default pipeline({ name: "p", tasks() {
      const tickets = [ticket(), ticket()];
      return gate({ all: tickets.map((t, d) => each(list({ d }), () => t)) as never });
    } });
  `);
  const [before, after] = await throughGate(rig, file, async (session) => {
    (await control.next("list 1")).finish();
    await session.ended(2);
    (await control.next("list 0")).finish();
  });
  expect(after).toEqual(before);
});

test("one that has not run takes the result of no other", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    ${gate}
    const one = (name: string) => each([0], () => ticket(undefined, { name }));
    export default pipeline({ name: "p", tasks: () => gate({ all: { a: one("a"), b: one("b") } as never }) });
  `);
  const first = await rig.start(file, { workers: 1 });
  const failing = await control.next("gate");
  failing.fail("not yet");
  expect(await first.end).toMatchObject({ failed: 1, done: 2 });
  // As if the session had died before its end was committed.
  using db = new Database(rig.file("test.db"));
  db.run("DELETE FROM task_runs WHERE name = 'a'");
  const second = await rig.start(file, { workers: 1, resume: "last" });
  const passing = await control.next("gate");
  passing.finish();
  expect(await second.end).toMatchObject({ status: "done", alreadyDone: 1 });
  const [before, after] = [failing.input, passing.input] as { a: string[]; b: string[] }[];
  expect(after?.b).toEqual(before?.b as string[]);
  expect([before?.a, after?.b]).not.toContainEqual(after?.a);
});

test("a list that has grown at its front: what has read the results tells whose they are", async () => {
  await using rig = newRig();
  const { control } = rig;
  rig.write("list.json", '["b","c"]');
  const file = rig.pipeline(`
    import { readFileSync } from "node:fs";
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    const save = task({ name: "save", async run(row: { x: string; t: string }, ctx) { await ctx.insert("t", [row]); } });
    ${gate}
    const items = () => JSON.parse(readFileSync(${JSON.stringify(rig.file("list.json"))}, "utf8")) as string[];
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (x, t)",
      tasks: () => gate({ all: each(items(), (x) => save({ x, t: ticket() })) as never }) });
  `);
  const first = await rig.start(file, { workers: 1 });
  (await control.next("gate")).fail("not yet");
  expect(await first.end).toMatchObject({ failed: 1, done: 4 });
  const rows = rig.rows("SELECT * FROM t ORDER BY x");
  rig.write("list.json", '["a","b","c"]');
  const second = await rig.start(file, { workers: 1, resume: "last" });
  (await control.next("gate")).finish();
  expect(await second.end).toMatchObject({ status: "done", alreadyDone: 4, done: 7 });
  expect(rig.rows("SELECT * FROM t WHERE x > 'a' ORDER BY x")).toEqual(rows);
});

test("a file of an earlier version has no positions: readers tell, as before", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(etl("return save({ d, x, t: ticket() });"));
  await failsAtTheGate(rig, file, 4);
  const rows = rig.rows("SELECT * FROM t ORDER BY d, x");
  using db = new Database(rig.file("test.db"));
  db.run("UPDATE task_runs SET position = NULL");
  const second = await rig.start(file, { workers: 1, resume: "last" });
  (await control.next("gate")).finish();
  expect(await second.end).toMatchObject({ status: "done", alreadyDone: 15, done: 16 });
  expect(rig.rows("SELECT * FROM t ORDER BY d, x")).toEqual(rows);
});

/** In both sessions, `wait` fails, and what follows `skip` goes on without it. */
const late = (tasks: string): string => `
  const wait = task({ name: "wait", run: () => step("wait") });
  const skip = task({ name: "skip", optional: true, run: () => 1 });
  const list = task({ name: "list", run: () => ["x"] });
  const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
  const save = task({ name: "save", async run(row: { t: string }, ctx) { await ctx.insert("t", [row]); } });
  const other = () => ticket(undefined, { name: "other" });
  export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (t)", tasks() {
    const skipped = skip(undefined, { after: [wait()] });
    ${tasks}
  } });
`;

test.each([
  [
    "waits for another task",
    `return [ticket(), other(), save({ t: ticket(undefined, { after: [skipped] }) })];`,
  ],
  [
    "is in a list that is not known yet",
    `return [ticket(), other(), each(list(undefined, { after: [skipped] }), () => save({ t: ticket() }))];`,
  ],
  [
    "is in a list in a list that is not known yet",
    `return [ticket(), other(), each(["a"], () => each(list(undefined, { after: [skipped] }), () => save({ t: ticket() })))];`,
  ],
])("one that has not run takes no result of a task that %s", async (_, tasks) => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(late(tasks));
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("wait")).fail("down");
  expect(await first.end).toMatchObject({ failed: 1, skipped: 1 });
  const rows = rig.rows("SELECT * FROM t");
  expect(rows).toHaveLength(1);
  // As if the session had died before its end was committed.
  using db = new Database(rig.file("test.db"));
  db.run("DELETE FROM task_runs WHERE name = 'other'");
  const second = await rig.start(file, { workers: 1, concurrency: 2, resume: "last" });
  (await control.next("wait")).fail("down");
  expect(await second.end).toMatchObject({ failed: 1, skipped: 1 });
  expect(rig.rows("SELECT * FROM t")).toEqual(rows);
  expect(rig.rows("SELECT COUNT(*) AS n FROM task_runs WHERE name = 'other'")).toEqual([{ n: 1 }]);
});

test("one that has failed and is optional is not taken for another, where null was read of both", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const call = task({ name: "call", run: (_: unknown, ctx) => step(ctx.task.name) });
    const reads = task({ name: "reads", run: ({ value }: { value: unknown }) => value });
    const last = task({ name: "last", run: ({ value }: { value: unknown }) => step("last").then(() => value) });
    export default pipeline({ name: "p", tasks: () => [
      last({ value: call(undefined, { name: "a" }) }),
      reads({ value: call(undefined, { name: "b", optional: true, priority: 1 }) }),
    ] });
  `);
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("b")).fail("down");
  (await control.next("a")).finish(null);
  (await control.next("last")).fail("not yet");
  expect(await first.end).toMatchObject({ failed: 2, done: 2 });
  // As if the session had died while it ran.
  using db = new Database(rig.file("test.db"));
  db.run("DELETE FROM task_runs WHERE name = 'last'");
  const calls = "SELECT id, name, status FROM task_runs WHERE name IN ('a', 'b') ORDER BY id";
  const before = rig.rows(calls);
  const second = await rig.start(file, { workers: 1, concurrency: 2, resume: "last" });
  (await control.next("last")).finish();
  expect(await second.end).toMatchObject({ status: "done", alreadyDone: 2, failed: 1 });
  expect(rig.rows(calls)).toEqual(before);
});

test("one of a list that was not known before takes no result of one of a list that is not known yet", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", run: ({ of }: { of: string }) => step(of).then(() => ["x"]) });
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    const save = task({ name: "save", async run(row: { a: string; t: string }, ctx) { await ctx.insert("t", [row]); } });
    const all = (of: string) => each(list({ of }), () => save({ a: of, t: ticket() }));
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (a, t)", tasks: () => [all("a"), all("b")] });
  `);
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("a")).fail("down");
  (await control.next("b")).finish();
  expect(await first.end).toMatchObject({ failed: 1, done: 3 });
  const rows = rig.rows("SELECT * FROM t");
  const second = await rig.start(file, { workers: 1, concurrency: 2, rerun: ["list"] });
  const b = await control.next("b");
  (await control.next("a")).finish();
  // The ticket of "a" waits now. It would run, or take the other's place, without another end.
  await second.ended(1);
  b.finish();
  expect(await second.end).toMatchObject({ status: "done", done: 6, alreadyDone: 2 });
  expect(rig.rows("SELECT * FROM t WHERE a = 'b'")).toEqual(rows);
  expect(rig.rows("SELECT DISTINCT t FROM t")).toHaveLength(2);
});

test.each([
  ["whose list fails", "list", "each(list({ of }), () => save({ a: of, t: ticket() }))"],
  [
    "whose nested list fails",
    "list",
    "each(list({ of }), () => each([1, 2], () => save({ a: of, t: ticket() })))",
  ],
  ["that is skipped", "gate", "save({ a: of, t: ticket(undefined, { after: [gate({ of })] }) })"],
])("one that had not run takes no result of an equal one %s", async (_, rerun, calls) => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", run: ({ of }: { of: string }) => step(of).then(() => ["x", "y"]) });
    const gate = task({ name: "gate", run: ({ of }: { of: string }) => step(of).then(() => null) });
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    const save = task({ name: "save", async run(row: { a: string; t: string }, ctx) { await ctx.insert("t", [row]); } });
    const all = (of: string) => ${calls};
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (a, t)", tasks: () => [all("a"), all("b")] });
  `);
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("a")).fail("down");
  (await control.next("b")).finish();
  expect(await first.end).toMatchObject({ failed: 1 });
  const rows = rig.rows("SELECT * FROM t");
  const second = await rig.start(file, { workers: 1, concurrency: 2, rerun: [rerun] });
  (await control.next("b")).fail("down");
  (await control.next("a")).finish();
  expect(await second.end).toMatchObject({ status: "error" });
  const third = await rig.start(file, { workers: 1, concurrency: 2, resume: "last" });
  (await control.next("b")).finish();
  expect(await third.end).toMatchObject({ status: "done" });
  expect(rig.rows("SELECT * FROM t WHERE a = 'b'")).toEqual(rows);
  expect(rig.rows("SELECT DISTINCT t FROM t")).toHaveLength(2 * rows.length);
});

test.each(["is known later", "will never be known"])(
  "an optional one that had not run takes no failure of an equal one whose input %s",
  async (when) => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const one = task({ name: "one", run: () => step("one") });
      const gate = task({ name: "gate", run: () => step("gate") });
      const call = task({ name: "call", run: (_: { value: unknown }, ctx) => step(ctx.task.name) });
      export default pipeline({ name: "p", tasks: () => [
        call({ value: one() }, { name: "a" }),
        call({ value: 1 }, { name: "b", optional: true, after: [gate()] }),
      ] });
    `);
    const first = await rig.start(file, { workers: 1, concurrency: 2 });
    (await control.next("one")).finish(1);
    (await control.next("a")).fail("down");
    (await control.next("gate")).fail("down");
    expect(await first.end).toMatchObject({ failed: 2, skipped: 1 });
    const second = await rig.start(file, { workers: 1, concurrency: 2, rerun: ["one"] });
    (await control.next("gate")).finish();
    const one = await control.next("one");
    // It would take the failure now.
    await second.ended(1);
    const isKnown = when === "is known later";
    if (isKnown) one.finish(1);
    else one.fail("down");
    (await control.next("b")).finish("found");
    if (isKnown) (await control.next("a")).finish();
    expect(await second.end).toMatchObject(isKnown ? { done: 4 } : { done: 2, failed: 1 });
    expect(rig.rows("SELECT result FROM task_runs WHERE name = 'b'")).toEqual([
      { result: '"found"' },
    ]);
  },
);

test("one whose input was not known before takes no result of an equal one whose input is not known yet", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const source = task({ name: "source", run: ({ of }: { of: string }) => step(of) });
    const ticket = task({ name: "ticket", run: (_: { value: unknown }) => crypto.randomUUID() });
    const save = task({ name: "save", async run(row: { a: string; t: string }, ctx) { await ctx.insert("t", [row]); } });
    const all = (of: string) => save({ a: of, t: ticket({ value: source({ of }) }) });
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (a, t)", tasks: () => [all("a"), all("b")] });
  `);
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("a")).fail("down");
  (await control.next("b")).finish(1);
  expect(await first.end).toMatchObject({ failed: 1, done: 3 });
  const rows = rig.rows("SELECT * FROM t");
  const second = await rig.start(file, { workers: 1, concurrency: 2, rerun: ["source"] });
  const b = await control.next("b");
  (await control.next("a")).finish(1);
  await second.ended(1);
  b.finish(1);
  expect(await second.end).toMatchObject({ status: "done", done: 6, alreadyDone: 2 });
  expect(rig.rows("SELECT * FROM t WHERE a = 'b'")).toEqual(rows);
  expect(rig.rows("SELECT DISTINCT t FROM t")).toHaveLength(2);
});

test("one outside of lists takes no result of the only item of a list that fails", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", run: () => step("list").then(() => ["x"]) });
    const gate = task({ name: "gate", run: () => step("gate") });
    const ticket = task({ name: "ticket", run: () => crypto.randomUUID() });
    const save = task({ name: "save", async run(row: { a: string; t: string }, ctx) { await ctx.insert("t", [row]); } });
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (a, t)", tasks: () => [
      save({ a: "outside", t: ticket(undefined, { after: [gate()] }) }),
      each(list(), () => save({ a: "item", t: ticket() })),
    ] });
  `);
  const first = await rig.start(file, { workers: 1, concurrency: 2 });
  (await control.next("gate")).fail("down");
  (await control.next("list")).finish();
  expect(await first.end).toMatchObject({ failed: 1, done: 3 });
  const rows = rig.rows("SELECT * FROM t");
  const second = await rig.start(file, { workers: 1, concurrency: 2, rerun: ["list"] });
  (await control.next("list")).fail("down");
  (await control.next("gate")).finish();
  expect(await second.end).toMatchObject({ status: "error", failed: 1 });
  const third = await rig.start(file, { workers: 1, concurrency: 2, resume: "last" });
  (await control.next("list")).finish();
  expect(await third.end).toMatchObject({ status: "done" });
  expect(rig.rows("SELECT * FROM t WHERE a = 'item'")).toEqual(rows);
  expect(rig.rows("SELECT DISTINCT t FROM t")).toHaveLength(2);
});
