// Random runs of tasks that write to the same tables: after each run, the rows of each task that it ran or reused are those that
// the task writes, unless another task of the same run, which may come later, has written to them.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { newRig } from "../support/rig.ts";

const pipeline = `
const load = task({ name: "load", reuse: true, run: ({ day }: any, ctx) => ctx.upsert("orders", [{ day, x: day }], { key: "day" }) });
const load2 = task({ name: "load2", reuse: true, run: ({ day }: any, ctx) => ctx.upsert("orders", [{ day: day + 100, x: day }], { key: "day" }) });
const fix = task({ name: "fix", run: ({ day }: any, ctx) => ctx.upsert("orders", [{ day, x: -1 }], { key: "day" }) });
const noted = task({ name: "noted", run: ({ day }: any, ctx) => ctx.insert("noted", [{ day }]) });
const drop = message<any>("drop", (db, { day }) => { db.run("DELETE FROM orders WHERE day = ?", day); });
const clear = task({ name: "clear", run: ({ day }: any, ctx) => ctx.emit(drop, { day }) });
const all: any = { load, load2, fix, noted, clear };
export default pipeline({ name: "p", params: { plan: "" }, messages: [drop],
  schema: \`CREATE TABLE IF NOT EXISTS orders (day INTEGER PRIMARY KEY, x); CREATE TABLE IF NOT EXISTS noted (day);
    CREATE TRIGGER IF NOT EXISTS on_noted AFTER INSERT ON noted BEGIN UPDATE orders SET x = -2 WHERE day = new.day; END;\`,
  tasks: ({ params }) => params.plan.split(" ").map((each) => all[each.split("-")[0]]({ day: Number(each.split("-")[1]) })) });
`;

const rounds = Number(process.env["REUSE_ROUNDS"] ?? 3);

test("what is reused is in the tables", async () => {
  let seed = Number(process.env["REUSE_SEED"] ?? 1);
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  let reused = 0;
  for (let round = 0; round < rounds; round++) {
    await using rig = newRig();
    const file = rig.pipeline(pipeline);
    for (let step = 0; step < 7; step++) {
      const others = ["fix", "noted", "clear"].flatMap((name) =>
        random(6) === 0 ? [`${name}-${random(4)}`] : [],
      );
      const loads = [0, 1, 2, 3].flatMap((day) => [
        ...(random(4) > 0 ? [`load-${day}`] : []),
        ...(random(3) === 0 ? [`load2-${day}`] : []),
      ]);
      const plan = [...loads, ...others];
      if (plan.length === 0) continue;
      const summary = await rig.run(file, { params: { plan: plan.join(" ") } });
      expect(summary.status).toBe("done");
      reused += summary.reused;
      const rows = new Map(rig.rows("SELECT day, x FROM orders").map(({ day, x }) => [day, x]));
      const touched = new Set(others.map((each) => Number(each.split("-")[1])));
      for (const each of loads) {
        const [name, day] = [each.split("-")[0], Number(each.split("-")[1])];
        const key = name === "load" ? day : day + 100;
        if (!touched.has(key))
          expect({ seed, plan, key, x: rows.get(key) }).toEqual({ seed, plan, key, x: day });
      }
      if (random(5) === 0) {
        using db = new Database(rig.file("test.db"));
        db.run("PRAGMA busy_timeout = 30000");
        db.run(
          random(2) === 0
            ? `DELETE FROM orders WHERE day = ${random(4)}`
            : `INSERT OR IGNORE INTO orders VALUES (${random(200)}, 9)`,
        );
      }
    }
  }
  expect(reused).toBeGreaterThan(0);
}, 600_000);
