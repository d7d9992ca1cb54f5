// Equal calls whose results differ, in a run that continues: each gets its own result again.

import { expect, test } from "bun:test";

import { newRig, type Rig } from "../support/rig.ts";

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
