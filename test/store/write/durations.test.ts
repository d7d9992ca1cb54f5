// What later runs learn of the durations of earlier ones.

import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { Histogram } from "../../../src/base/histogram.ts";
import type { SessionDurations } from "../../../src/protocol/learned.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { learnedDurations } from "../../../src/store/read/learned-durations.ts";
import { queriesOf } from "../../../src/store/queries.ts";
import { writeDurations } from "../../../src/store/write/durations.ts";
import { options } from "./options.ts";

type Of = { readonly [task: string]: readonly number[] };

const session = (of: Of, stretch: number | null = 1): SessionDurations => ({
  stretch,
  definitions: Object.entries(of).map(([task, all]) => {
    const histogram = new Histogram();
    for (const ms of all) histogram.add(ms);
    const totalMs = all.reduce((sum, ms) => sum + ms, 0);
    return { task, tasks: all.length, totalMs, counts: histogram.counts };
  }),
});

const posts = { pipeline: "posts", file: "/home/ada/etl.ts" };

class Runs implements Disposable {
  readonly db: Database = openDatabase(options(":memory:"));
  #last = 0;

  add(of: Of, stretch: number | null = 1, { pipeline, file } = posts): void {
    const id = runId(++this.#last);
    this.db.run(
      "INSERT INTO pipeline_runs (id, pipeline, file, params, status, started_at) VALUES (?, ?, ?, '{}', 'done', '')",
      [id, pipeline, file],
    );
    this.addSession(of, stretch);
  }

  /** Of the last run. */
  addSession(of: Of, stretch: number | null = 1): void {
    writeDurations(this.db, runId(this.#last), session(of, stretch));
  }

  get learned() {
    return learnedDurations(queriesOf(this.db), posts);
  }

  [Symbol.dispose](): void {
    this.db.close(true);
  }
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

test("a first run learns nothing", () => {
  using runs = new Runs();
  expect(runs.learned).toBeUndefined();
  runs.add({ load: [5] }, 1, { ...posts, pipeline: "other" });
  runs.add({ load: [5] }, 1, { ...posts, file: "/home/bob/etl.ts" });
  runs.add({});
  expect(runs.learned).toBeUndefined();
});

test("by definition: how many runs and tasks, the mean, and the p95", () => {
  using runs = new Runs();
  runs.add({ load: times(99, 1000), save: [10] });
  runs.add({ load: [1000] });
  const [load, save] = runs.learned?.definitions ?? [];
  expect(load).toMatchObject({ task: "load", runs: 2, tasks: 100, meanMs: 1000 });
  expect(load?.p95Ms).toBeWithin(896, 1024);
  expect(save).toMatchObject({ task: "save", runs: 1, tasks: 1, meanMs: 10 });
});

test("recent runs weigh more", () => {
  using runs = new Runs();
  for (let i = 0; i < 10; i++) runs.add({ load: times(10, 100) });
  for (let i = 0; i < 3; i++) runs.add({ load: times(10, 1000) });
  const [load] = runs.learned?.definitions ?? [];
  expect(load?.meanMs).toBeWithin(550, 650);
});

test("the sessions of one run add up, and the last one's stretch counts", () => {
  using runs = new Runs();
  runs.add({ load: times(3, 100) }, null);
  runs.addSession({ load: times(2, 200), save: [1] }, 3);
  expect(runs.learned).toMatchObject({
    stretch: 3,
    definitions: [
      { task: "load", runs: 1, tasks: 5, meanMs: 140 },
      { task: "save", runs: 1, tasks: 1, meanMs: 1 },
    ],
  });
});

test("the stretch is the median of the last five that are known", () => {
  using runs = new Runs();
  for (const stretch of [50, 1.2, null, 1.4, 9, 1.3, 1.1]) runs.add({ load: [1] }, stretch);
  expect(runs.learned?.stretch).toBe(1.3);
});

test("reads the newest 20 runs of the pipeline, and no more", () => {
  using runs = new Runs();
  runs.add({ old: [1] });
  for (let i = 0; i < 20; i++) runs.add({ load: [1] });
  expect(runs.learned?.definitions).toMatchObject([{ task: "load", runs: 20, tasks: 20 }]);
});

test("rows that a user has edited are left out, or have no counts", () => {
  using runs = new Runs();
  runs.add({ load: [100], save: [100], edited: [100] });
  runs.db.run("UPDATE pipeloom_durations SET counts = '[[1,-2],\"x\"' WHERE task = 'load'");
  runs.db.run("UPDATE pipeloom_durations SET total_ms = 'soon' WHERE task = 'save'");
  runs.db.run("UPDATE pipeloom_durations SET counts = ? WHERE task = 'edited'", [
    JSON.stringify([7, [1, -2], ["x", 3], [900, 3], [1, "3"]]),
  ]);
  runs.db.run("UPDATE pipeline_runs SET stretch = 'much'");
  expect(runs.learned).toEqual({
    stretch: 1,
    definitions: [
      { task: "edited", runs: 1, tasks: 0, meanMs: 100, p95Ms: 0, counts: [] },
      { task: "load", runs: 1, tasks: 0, meanMs: 100, p95Ms: 0, counts: [] },
    ],
  });
});
