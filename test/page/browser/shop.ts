// A pipeline with some of everything: a fan-out, failures, a retry, a log with colours, tables. And its database after two runs.

import { pipeloom, run } from "../../support/program.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";

export const shop = `
import { each, pipeline, task } from "pipeloom";
const list = task({
  name: "list-orders",
  run: (_: unknown, ctx) => {
    ctx.log.info("listing \\u001b[32mgreen\\u001b[0m");
    return Array.from({ length: ctx.params.orders }, (_, i) => i);
  },
});
const load = task({
  name: "load-order",
  retries: { limit: 1, delay: 1 },
  label: ({ id }: { id: number }) => "order " + id,
  async run({ id }: { id: number }, ctx) {
    ctx.log.info("order " + id + " begins");
    if (id % 5 === 3) throw new Error("order " + id + " has no customer");
    await ctx.upsert("orders", [{ id, price: id * 1.5, day: "2026-01-0" + (id % 9 + 1) }], { key: "id", create: true });
    return { id, lines: [1, 2, 3], note: "ok" };
  },
});
const count = task({ name: "count", retries: 0, run: ({ n }: { n: number }, ctx) => { ctx.log.warn("counting"); return n; } });
const report = task({ name: "report", run: ({ all }: { all: unknown[] }) => all.length });
export default pipeline({
  name: "shop",
  params: { orders: 12, note: "first" },
  tasks: () => [report({ all: each(list({}), (id) => load({ id })) }), count({ n: 7 })],
});
`;

export type Shop = TempFolder & { readonly db: string; readonly file: string };

/** Two runs: the first has failures, the second is done. */
export async function shopAfterTwoRuns(): Promise<Shop> {
  const folder = tempFolder();
  const file = `${folder.path}/shop.ts`;
  const db = `${folder.path}/shop.db`;
  await Bun.write(file, shop);
  await runWith(folder.path, file, db, [], 1);
  await runWith(folder.path, file, db, ["--param", "orders=3"], 0);
  return { ...folder, db, file };
}

async function runWith(
  cwd: string,
  file: string,
  db: string,
  more: readonly string[],
  wanted: number,
): Promise<void> {
  const { code, err } = await run([...pipeloom, "run", file, "--db", db, ...more], cwd);
  if (code !== wanted) throw new Error(`the shop's run ended with ${code}:\n${err}`);
}
