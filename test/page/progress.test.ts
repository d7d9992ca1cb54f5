// How fast a run is, what time is left, and what it has written by when.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";

import type { RowsView } from "../../src/page/contract-data.ts";
import type { ProgressView } from "../../src/page/contract-progress.ts";
import type { Interval } from "../../src/page/index/time-axis.ts";
import { runId } from "../../src/protocol/ids.ts";
import { acquireRunLock } from "../store/write/options.ts";
import { pageRig } from "./page-rig.ts";

const now = Date.UTC(2026, 0, 8);
beforeEach(() => setSystemTime(now));
afterEach(() => setSystemTime());

const second = 1_000;
const week = 7 * 24 * 3600 * second;
const iso = (ms: number): string => new Date(ms).toISOString();

function addRun(db: Database, status: string, total: number): void {
  db.run(
    "INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, tasks_total) VALUES ('p', '/p.ts', '{}', ?, ?, ?)",
    [status, iso(now - week), total],
  );
}

type Task = {
  readonly name?: string;
  /** Ago, ms. Null: it runs. */
  readonly started: number;
  readonly ended: number | null;
  readonly rows: number;
};

function addTasks(db: Database, tasks: readonly Task[]): void {
  for (const [i, { name = "load", started, ended, rows }] of tasks.entries()) {
    db.run(
      `INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, rows)
        VALUES (1, ?, ?, ?, ?, 1, ?, ?, ?)`,
      [
        i + 1,
        name,
        `${name}:x${i}`,
        ended === null ? "running" : "done",
        iso(now - started),
        ended === null ? null : iso(now - ended),
        rows,
      ],
    );
  }
}

/** @param hasEarlier run 2, of the same pipeline, has left durations */
async function liveRig(tasks: readonly Task[], total: number, hasEarlier = false) {
  const rig = await pageRig((db) => {
    addRun(db, "running", total);
    addTasks(db, tasks);
    if (!hasEarlier) return;
    addRun(db, "done", total);
    db.run("INSERT INTO pipeloom_durations VALUES (2, 'load', 10, 100000, '[[49,10]]')");
  });
  const lock = acquireRunLock(rig.db, runId(1));
  return {
    db: rig.db,
    progress: () => rig.data<ProgressView>("/data/runs/1/progress"),
    async [Symbol.asyncDispose]() {
      lock.release();
      await rig[Symbol.asyncDispose]();
    },
  };
}

test("a run that was continued a week later: its speed is that of now, and it has worked for 20 s", async () => {
  await using rig = await liveRig(
    [
      { started: week, ended: week - 10 * second, rows: 1_000_000 },
      { started: 10 * second, ended: 5 * second, rows: 100 },
      // It has written half of its rows at a checkpoint.
      { started: 5 * second, ended: null, rows: 50 },
    ],
    8,
  );
  expect(await rig.progress()).toMatchObject({
    rows: 1_000_150,
    rowsPerSecond: 15,
    tasksPerSecond: 0.1,
    // 6 tasks, at one in 10 s.
    remainingMs: 60 * second,
    activeMs: 20 * second,
    lastAt: now,
  });
});

test("of a task that is longer than the last 30 s, only the part in them counts", async () => {
  await using rig = await liveRig([{ started: 60 * second, ended: null, rows: 600 }], 1);
  const { rowsPerSecond, tasksPerSecond, remainingMs } = await rig.progress();
  expect({ rowsPerSecond, tasksPerSecond, remainingMs }).toEqual({
    rowsPerSecond: 10,
    tasksPerSecond: 0,
    remainingMs: null,
  });
});

test("nothing is said of the first second", async () => {
  await using rig = await liveRig([{ started: 400, ended: 100, rows: 9 }], 2);
  const { rowsPerSecond, remainingMs } = await rig.progress();
  expect({ rowsPerSecond, remainingMs }).toEqual({ rowsPerSecond: null, remainingMs: null });
});

test("the remaining time is what earlier runs say, from the first moment", async () => {
  await using rig = await liveRig([{ started: 100, ended: null, rows: 0 }], 1, true);
  expect((await rig.progress()).remainingMs).toBeWithin(7 * second, 13 * second);
});

test("a run that is over: its speed while tasks ran", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "done", 2);
    addTasks(db, [
      { started: week, ended: week - 10 * second, rows: 500 },
      { started: 10 * second, ended: 0, rows: 500 },
    ]);
  });
  const view = await rig.data<ProgressView>("/data/runs/1/progress");
  expect(view).toMatchObject({ rows: 1000, remainingMs: null, activeMs: 20 * second, lastAt: now });
  expect(view.rowsPerSecond).toBeCloseTo(50, 3);
  expect(view.tasksPerSecond).toBeCloseTo(0.1, 5);
});

/** Each of 0 ms, evenly from `from` to `to`, epoch ms. */
function addShortTasks(db: Database, amount: number, { from, to }: Interval): void {
  db.run(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
        t(i, at) AS (SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', (?2 + (?3 - ?2) * i / ?1) / 1000.0, 'unixepoch') FROM n)
      INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at)
        SELECT 1, i + (SELECT coalesce(max(id), 0) FROM task_runs), 'load', 'load:x', 'done', 1, at, at FROM t`,
    [amount, from, to],
  );
}

test("of a run that is faster than it is read: no remaining time before all is read, then the speed up to what is read", async () => {
  // A question waits 300 ms, in which no machine reads so many.
  const [first, then] = [700_000, 400_000];
  await using rig = await liveRig([], 2 * (first + then));
  using db = new Database(rig.db);
  addShortTasks(db, first, { from: now - 20 * second, to: now });
  const views: ProgressView[] = [];
  const askUntil = async (isDone: (view: ProgressView) => boolean): Promise<ProgressView> => {
    for (;;) {
      const view = await rig.progress();
      views.push(view);
      if (isDone(view)) return view;
    }
  };
  const whole = await askUntil(({ isComplete }) => isComplete);
  expect(views.length).toBeGreaterThan(1);
  expect(views.slice(0, -1).map(({ remainingMs }) => remainingMs)).not.toContainEqual(
    expect.anything(),
  );
  expect(whole.tasksPerSecond).toBeCloseTo(first / 20, -2);

  addShortTasks(db, then, { from: now, to: now + 10 * second });
  setSystemTime(now + 10 * second);
  const behind = await askUntil(({ isBehind }) => isBehind);
  expect(behind.tasksPerSecond).toBeCloseTo(first / 20, -2);
  expect(behind.activeMs).toBeWithin(29 * second, 31 * second);
}, 60_000);

test("a run whose process is gone has no remaining time, and was last seen at work when its last task began", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "running", 2);
    addTasks(db, [{ started: 10 * second, ended: null, rows: 0 }]);
  });
  expect(await rig.data<ProgressView>("/data/runs/1/progress")).toMatchObject({
    remainingMs: null,
    lastAt: now - 10 * second,
  });
});

test("a run without tasks: nothing is known", async () => {
  await using rig = await pageRig((db) => addRun(db, "done", 0));
  expect(await rig.data<ProgressView>("/data/runs/1/progress")).toMatchObject({
    rows: null,
    rowsPerSecond: null,
    activeMs: null,
  });
  const { times, lines } = await rig.data<RowsView>("/data/runs/1/rows");
  expect({ times, lines }).toEqual({ times: [], lines: [] });
});

test("rows over time: they count from the end of their task, the largest definition first, and the last ones together", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "done", 9);
    addTasks(
      db,
      Array.from({ length: 9 }, (_, i) => ({
        name: `load-${i}`,
        started: (10 - i) * second,
        ended: (9 - i) * second,
        rows: i,
      })),
    );
  });
  const { times, lines } = await rig.data<RowsView>("/data/runs/1/rows");
  expect(lines.map(({ name, rows }) => [name, rows.at(-1)])).toEqual([
    ["load-8", 8],
    ["load-7", 7],
    ["load-6", 6],
    ["load-5", 5],
    ["load-4", 4],
    ["3 others", 6],
  ]);
  expect([times[0], times.at(-1)]).toEqual([now - 10 * second, now - second]);
  for (const { rows } of lines) {
    expect(rows).toHaveLength(times.length);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  }
  // load-5 ends 4 s before now.
  const line = lines.find(({ name }) => name === "load-5");
  for (const [i, time] of times.entries()) {
    expect(line?.rows[i]).toBe(time >= now - 4 * second - 1e-6 ? 5 : 0);
  }
});
