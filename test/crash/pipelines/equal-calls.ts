// Equal calls with a different result each, which only the lists of fan-outs read. The lists come in another order each time.

import { each, type Node, pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const someMs = (most: number): Promise<void> => Bun.sleep(Math.random() * most);

const list = task({
  name: "list",
  async run({ group }: { group: number }) {
    await someMs(20 + group);
    return [0, 1, 2, 3];
  },
});
const ticket = task({
  name: "ticket",
  async run(_: void, ctx) {
    await someMs(8);
    const value = Math.random();
    await ctx.insert("tickets", [{ name: ctx.task.name, value }]);
    return value;
  },
});
const read = task({
  name: "read",
  async run({ group, values }: { group: string; values: number[] }, ctx) {
    await someMs(8);
    await ctx.insert(
      "reads",
      values.map((value, i) => ({ name: `${group}/${i}`, value })),
    );
  },
});

const called = (name: string): Node<number> => ticket(undefined, { name });

function* groups(): Generator<Node<unknown>> {
  const shared = ["shared/0", "shared/1"].map(called);
  for (let group = 0; group < 4; group++) {
    const values = each(list({ group }), (i) => called(`${group}/${i}`));
    yield read({ group: String(group), values });
  }
  const nested = each(list({ group: 9 }), (i) =>
    read({ group: `nested ${i}`, values: each([0, 1], (j) => called(`nested ${i}/${j}`)) }),
  );
  yield nested;
  yield read({ group: "shared", values: each(list({ group: 8 }), (i) => shared[i % 2] ?? 0) });
  for (let i = 0; i < 10; i++)
    yield read({ group: `${i}. in order`, values: [called(`${i}. in order/0`)] });
}

export default pipeline({
  name: "equal-calls",
  params: { form: "list" },
  schema:
    "CREATE TABLE IF NOT EXISTS tickets (name, value); CREATE TABLE IF NOT EXISTS reads (name, value)",
  onTaskFinish: note,
  tasks({ params }) {
    if (params.form === "list") return [...groups()];
    if (params.form === "stream") return groups();
    return (async function* () {
      for (const node of groups()) {
        await someMs(3);
        yield node;
      }
    })();
  },
});
