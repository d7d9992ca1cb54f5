// When the graph is sent to the writer, and what of it is in the file.

import { expect, setDefaultTimeout, test } from "bun:test";

import { GraphRecord } from "../../src/engine/graph-record.ts";
import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

test("it is in the file while the first task runs, grows with a fan-out, and is whole at the end", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const list = task({ name: "list", async run() { await step("list"); return [1, 2, 3]; } });
    const load = task({ name: "load", run: (_: { n: number }) => null });
    const sum = task({ name: "sum", run: (_: { all: unknown }) => null });
    export default pipeline({ name: "p", tasks: () => sum({ all: each(list(), (n) => load({ n })) }) });
  `);
  const started = await rig.start(file, { workers: 1 });
  const list = await control.next("list");
  const stored = (): unknown =>
    JSON.parse(String(rig.rows("SELECT graph FROM pipeline_runs")[0]?.["graph"]));
  // It may be committed a little later than the task begins.
  while (stored() === null) await Bun.sleep(1);
  expect(stored()).toMatchObject({ nodes: [{ id: "list" }, { items: 0 }, { id: "sum" }] });
  list.finish();
  expect(await started.end).toMatchObject({ status: "done" });
  expect(stored()).toMatchObject({
    nodes: [
      { id: "list", kind: "task", tasks: 1 },
      { kind: "each", fanOuts: 1, items: 3 },
      { id: "sum", kind: "task", tasks: 1 },
      { id: "load", kind: "task", tasks: 3 },
    ],
    edges: [
      { from: "list", kind: "input", count: 1 },
      { from: "load", kind: "result", count: 3 },
      { to: "sum", kind: "input", count: 1 },
      { to: "load", kind: "item", count: 3 },
    ],
  });
});

test("it is sent when there is something new, not for each task", () => {
  const definitions = { changes: 1, graph: () => ({ nodes: [], edges: [] }) };
  const graph = { tasks: 0, definitions } as unknown as { tasks: number; definitions: never };
  let sent = 0;
  const deps = { graph, isKept: true, nameOf: String, send: () => sent++ };
  const record = new GraphRecord(deps);
  record.tell();
  expect(sent).toBe(0);
  for (graph.tasks = 1; graph.tasks < 100; graph.tasks++) record.tell();
  expect(sent).toBe(1);
  record.flush();
  record.flush();
  expect(sent).toBe(2);
  new GraphRecord({ ...deps, isKept: false }).flush();
  expect(sent).toBe(2);
});
