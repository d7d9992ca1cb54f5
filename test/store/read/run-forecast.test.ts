// The remaining time of a run that is attached to, from its rows and from earlier runs.

import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";

import { RunForecast } from "../../../src/store/read/run-forecast.ts";
import { toIso } from "../../../src/base/iso-time.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { queriesOf } from "../../../src/store/queries.ts";
import { options } from "../write/options.ts";

const now = Date.parse("2026-11-03T12:00:00.000Z");
beforeEach(() => setSystemTime(now));
afterEach(() => setSystemTime());

/** Run 2 goes on. Of run 1 is known: ten tasks of 10 s, of `load`, and one of 60 s, of `report`. */
function file(withEarlier = true) {
  const db = openDatabase(options(":memory:"));
  for (const [id, status] of [
    [1, "done"],
    [2, "running"],
  ] as const) {
    db.run(
      "INSERT INTO pipeline_runs (id, pipeline, file, params, status, started_at, stretch) VALUES (?, 'p', '/p.ts', '{}', ?, '', 1)",
      [id, status],
    );
  }
  const durations = "INSERT INTO pipeloom_durations VALUES (1, ?, ?, ?, ?)";
  if (withEarlier) {
    db.run(durations, ["load", 10, 100_000, "[[49,10]]"]);
    db.run(durations, ["report", 1, 60_000, "[[59,1]]"]);
  }
  const add = (id: number, name: string, status: string, startedMs?: number, endedMs?: number) =>
    db.run(
      "INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at) VALUES (2, ?, ?, ?, ?, 1, ?, ?)",
      [id, name, `${name}:x${id}`, status, iso(startedMs), iso(endedMs)],
    );
  const plan = (tasks: Readonly<Record<string, number>>) =>
    db.run("UPDATE pipeline_runs SET graph = ? WHERE id = 2", [
      JSON.stringify({
        nodes: Object.entries(tasks).map(([id, count]) => ({ id, kind: "task", tasks: count })),
        edges: [],
      }),
    ]);
  const forecast = () =>
    new RunForecast(queriesOf(db), { id: runId(2), pipeline: "p", file: "/p.ts" });
  return { add, plan, forecast, [Symbol.dispose]: () => db.close(true) };
}

const iso = (beforeMs: number | undefined): string | null =>
  beforeMs === undefined ? null : toIso(now - beforeMs);

test("tasks that wait, one that runs, and a definition that has not begun", () => {
  using run = file();
  run.add(1, "load", "done", 14_000, 4_000);
  run.add(2, "load", "running", 4_000);
  for (const id of [3, 4]) run.add(id, "load", "queued");
  // 6 s of the one that runs, two of 10 s, and the report of 60 s.
  expect(run.forecast().remainingMs(5)).toBeWithin(82_000, 92_000);
});

test("the last task: what is left of it, also where it takes longer than the mean of this run", () => {
  using run = file();
  for (let id = 1; id <= 10; id++) run.add(id, "load", "done", 20_000, 10_000);
  run.add(11, "report", "running", 50_000);
  expect(run.forecast().remainingMs(11)).toBeWithin(6_000, 16_000);
});

test("nothing is said without earlier runs, of a large run, and when all has ended", () => {
  using first = file(false);
  first.add(1, "load", "running", 1_000);
  expect(first.forecast().remainingMs(3)).toBeUndefined();
  using run = file();
  expect(run.forecast().remainingMs(1_000_000)).toBeUndefined();
  for (const [id, name] of [
    [1, "load"],
    [2, "report"],
  ] as const)
    run.add(id, name, "done", 9_000, 1_000);
  expect(run.forecast().remainingMs(2)).toBeUndefined();
});

test("tasks without rows are of the definitions that the graph has planned", () => {
  using run = file();
  run.plan({ load: 40, report: 1 });
  run.add(1, "load", "running", 0);
  // 40 of 10 s, one of 60 s; by earlier runs it would be 10 of 10 s, and 30 of an unknown kind.
  expect(run.forecast().remainingMs(41)).toBeWithin(440_000, 480_000);
});

test("without a graph, a definition that has begun has as many tasks as in earlier runs", () => {
  using run = file();
  run.add(1, "load", "running", 0);
  expect(run.forecast().remainingMs(11)).toBeWithin(155_000, 165_000);
});
