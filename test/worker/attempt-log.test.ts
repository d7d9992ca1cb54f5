// The bound on what one attempt stores of its log.

import { describe, expect, test } from "bun:test";

import { newRig } from "../support/rig.ts";
import { AttemptRig, turn } from "./attempt-rig.ts";

const cutAt = (lines: string): string =>
  `warn … cut here: ${lines} lines of an attempt are stored (logs.maxLines); a log file (-l) gets all`;

async function logged(lines: number, most: number): Promise<{ stored: string[]; all: string[] }> {
  const thread = new AttemptRig(most);
  const { end } = thread.start((_, ctx) => {
    for (let i = 1; i <= lines; i++) ctx.log.info(`line ${i}`);
  });
  await end;
  await turn();
  const stored = thread.records.flatMap((record) =>
    record.type === "log" && record.isCut !== true ? [`${record.level} ${record.line}`] : [],
  );
  return { stored, all: thread.lines };
}

describe("an attempt", () => {
  test("that logs as many lines as are stored", async () => {
    const { stored, all } = await logged(2, 2);
    expect(stored).toEqual(["info line 1", "info line 2"]);
    expect(all).toEqual(stored);
  });

  test("that logs more is cut, which is said there, and how many are missing at its end", async () => {
    const { stored, all } = await logged(237, 2);
    expect(stored).toEqual([
      "info line 1",
      "info line 2",
      cutAt("2"),
      "warn … 235 more lines not stored (logs.maxLines); a log file (-l) gets all",
    ]);
    // All of them are announced.
    expect(all.filter((line) => line.startsWith("info "))).toHaveLength(237);
  });
});

test("in a run, the task's own bound counts before the pipeline's, for each attempt, and events have every line", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const log = (ctx: any) => { for (let i = 1; i <= 5; i++) console.log("line " + i); };
    const few = task({ name: "few", logs: { maxLines: 1 }, retries: { limit: 1, delay: 0 }, run(_, ctx) {
      log(ctx);
      if (ctx.attempt === 1) throw new Error("again");
    } });
    const some = task({ name: "some", run: (_, ctx) => log(ctx) });
    const all = task({ name: "all", logs: { maxLines: Infinity }, run: (_, ctx) => log(ctx) });
    export default pipeline({ name: "p", logs: { maxLines: 3 }, tasks: () => [few(), some(), all()] });
  `);
  const { end, events } = await rig.start(file, { workers: 1 });
  expect(await end).toMatchObject({ done: 3 });
  const lines = rig.rows(`
    SELECT name, l.attempt, GROUP_CONCAT(substr(line, 1, 10), '|') AS lines FROM task_logs AS l
    JOIN task_runs AS t ON t.id = l.task_id GROUP BY name, l.attempt ORDER BY name, l.attempt`);
  expect(lines).toEqual([
    { name: "all", attempt: 1, lines: "line 1|line 2|line 3|line 4|line 5" },
    { name: "few", attempt: 1, lines: "line 1|… cut here|… 4 more l" },
    { name: "few", attempt: 2, lines: "line 1|… cut here|… 4 more l" },
    { name: "some", attempt: 1, lines: "line 1|line 2|line 3|… cut here|… 2 more l" },
  ]);
  const announced = events.filter(
    (event) => event.type === "task-log" && event.line.startsWith("line"),
  );
  expect(announced).toHaveLength(20);
});

test("a run without stored states has every line, and nothing is said to be cut", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const chatty = task({ name: "chatty", logs: { maxLines: 1 }, run() { for (let i = 0; i < 5; i++) console.log("line"); } });
    export default pipeline({ name: "p", tasks: () => chatty() });
  `);
  const { end, events } = await rig.start(file, { storeTaskStatus: false });
  expect(await end).toMatchObject({ done: 1 });
  const lines = events.flatMap((event) => (event.type === "task-log" ? [event.line] : []));
  expect(lines).toEqual(Array.from({ length: 5 }, () => "line"));
});
