import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { TasksView, TimelineView } from "../../../src/page/contract.ts";
import { TimeAxis } from "../../../src/page/index/time-axis.ts";
import { Random } from "../../simulator/random.ts";
import { pageRig } from "../page-rig.ts";

const base = Date.UTC(2026, 0, 1);
const iso = (ms: number): string => new Date(base + ms).toISOString();

type Task = {
  readonly id: number;
  readonly name: string;
  readonly worker: number | null;
  readonly status: string;
  readonly started: number;
  readonly ended: number;
};

function fill(db: Database, tasks: readonly Task[], status = "error"): void {
  db.run(
    "INSERT INTO pipeline_runs (pipeline, params, status, started_at) VALUES ('etl', '{}', ?, ?)",
    [status, iso(0)],
  );
  const insert = db.prepare(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, worker)
      VALUES (1, ?, ?, ?, ?, 1, ?, ?, ?)`,
  );
  db.transaction(() => {
    for (const { id, name, worker, status: state, started, ended } of tasks) {
      const end = state === "running" ? null : iso(ended);
      insert.run(id, name, `${name}:3k${id}`, state, iso(started), end, worker);
    }
  })();
  insert.finalize();
}

function randomTasks(seed: number, count: number, spanMs: number): Task[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const started = random.int(0, spanMs);
    return {
      id: i + 1,
      name: random.pick(["load", "parse", "report"]),
      worker: random.chance(0.05) ? null : random.int(0, 3),
      status: random.chance(0.02) ? "error" : "done",
      started,
      ended: started + Math.round(random.skewed(spanMs / 4)),
    };
  });
}

const isIn = (task: Task, { from, to }: TimelineView): boolean =>
  base + task.started <= to && base + task.ended >= from;

test("each row counts what ran in the window, in spans and in buckets", async () => {
  for (const [seed, count] of [
    [1, 60],
    [2, 60],
    [3, 5_000],
    [4, 5_000],
  ] as const) {
    const tasks = randomTasks(seed, count, 100_000);
    await using rig = await pageRig((db) => fill(db, tasks));
    for (const window of ["", `&from=${base + 20_000}&to=${base + 30_000}`]) {
      for (const by of ["worker", "definition"] as const) {
        const view = await rig.data<TimelineView>(
          `/data/runs/1/timeline?by=${by}&squeeze=0${window}`,
        );
        const keyOf = (task: Task) => (by === "worker" ? task.worker : task.name);
        for (const row of view.rows) {
          const own = tasks.filter((task) => keyOf(task) === row.key && isIn(task, view));
          const inWindow = (time: number) => Math.min(Math.max(base + time, view.from), view.to);
          const busyMs = own.reduce(
            (sum, { started, ended }) => sum + inWindow(ended) - inWindow(started),
            0,
          );
          const failed = own.filter(({ status }) => status === "error").length;
          expect(row).toMatchObject({ tasks: own.length, failed, busyMs });
          expect(row.all).toBe(tasks.filter((task) => keyOf(task) === row.key).length);
          if (row.spans !== null)
            expect(row.spans.map(([id]) => id).toSorted((a, b) => a - b)).toEqual(
              own.map(({ id }) => id),
            );
          else {
            const { level, ...counted } = bucketsOf(own, view);
            expect(row.buckets).toMatchObject(counted);
            const off = level.map((value, i) => Math.abs(value - (row.buckets?.level[i] ?? 0)));
            expect(Math.max(...off)).toBeLessThan(2);
          }
        }
        expect(view.tasks).toBe(tasks.filter((task) => isIn(task, view)).length);
        const keys = view.rows.map(({ key }) => key);
        expect(keys).toHaveLength(new Set(tasks.map(keyOf)).size);
        if (by === "worker") expect(keys.slice(0, 4)).toEqual([0, 1, 2, 3]);
      }
    }
  }
});

/** On paper: bucket by bucket, task by task. */
function bucketsOf(tasks: readonly Task[], { from, to }: TimelineView) {
  const bucketAt = (time: number): number =>
    Math.min(1199, Math.floor((Math.max(0, base + time - from) / (to - from)) * 1200));
  const buckets = Array.from({ length: 1200 }, (_, i) => {
    const touching = tasks.filter(
      ({ started, ended }) => bucketAt(started) <= i && bucketAt(ended) >= i,
    );
    const [left, right] = [i, i + 1].map((edge) => from + (edge / 1200) * (to - from));
    const busy = touching.reduce((sum, { started, ended }) => {
      const part = Math.min(base + ended, right ?? 0) - Math.max(base + started, left ?? 0);
      return sum + (Math.max(0, part) / (to - from)) * 1200;
    }, 0);
    const level = touching.length === 0 ? 0 : Math.max(1, Math.round(busy * 100));
    const failed = touching.filter(({ status }) => status === "error").length;
    return { level, tasks: touching.length, failed };
  });
  const failed = buckets.map((bucket) => bucket.failed);
  return {
    level: buckets.map(({ level }) => level),
    tasks: buckets.map((bucket) => bucket.tasks),
    failed: failed.some((count) => count > 0) ? failed : null,
    running: null,
  };
}

test("tasks that overlap have lines of their own, also those of 0 ms; too many at once are buckets", async () => {
  const task = { name: "load", worker: 0, status: "done" };
  const times = [
    [0, 10],
    [5, 15],
    [10, 20],
    [30, 30],
    [30, 30],
    [50, 60],
  ] as const;
  await using rig = await pageRig((db) =>
    fill(
      db,
      times.map(([started, ended], i) => ({ ...task, id: i + 1, started, ended })),
    ),
  );
  const { rows, first, last } = await rig.data<TimelineView>("/data/runs/1/timeline");
  expect([first, last]).toEqual([base, base + 60]);
  expect(rows[0]?.spans?.map(([id, , , , line]) => [id, line])).toEqual([
    [1, 0],
    [2, 1],
    [3, 0],
    [4, 0],
    [5, 1],
    [6, 0],
  ]);
  expect(rows[0]?.lines).toBe(2);
  await using many = await pageRig((db) =>
    fill(
      db,
      Array.from({ length: 30 }, (_, i) => ({ ...task, id: i + 1, started: 0, ended: 100 })),
    ),
  );
  const [row] = (await many.data<TimelineView>("/data/runs/1/timeline")).rows;
  expect(row?.spans).toBeNull();
  expect(row?.buckets?.level[600]).toBe(3000);
});

test("failed only: the rows that have failures", async () => {
  const task = { name: "load", started: 0, ended: 100 };
  await using rig = await pageRig((db) =>
    fill(db, [
      { ...task, id: 1, worker: 0, status: "done" },
      { ...task, id: 2, worker: 1, status: "error" },
      { ...task, id: 3, worker: 1, status: "done" },
    ]),
  );
  const { rows } = await rig.data<TimelineView>("/data/runs/1/timeline?failed=1");
  expect(rows.map(({ key, all, tasks }) => [key, all, tasks])).toEqual([[1, 1, 1]]);
});

test("the time between two sessions is squeezed, exactly between their tasks", async () => {
  const week = 7 * 86_400_000;
  const task = { name: "load", worker: 0, status: "done" };
  await using rig = await pageRig((db) =>
    fill(db, [
      { ...task, id: 1, started: 0, ended: 1_234 },
      { ...task, id: 2, started: week + 777, ended: week + 3_777, status: "error" },
    ]),
  );
  const view = await rig.data<TimelineView>("/data/runs/1/timeline");
  expect(view.pieces.map(({ from, to, isIdle }) => [from - base, to - base, isIdle])).toEqual([
    [0, 1_234, false],
    [1_234, week + 777, true],
    [week + 777, week + 3_777, false],
  ]);
  expect(view.pieces[2]?.width).toBeGreaterThan(0.6);
  const plain = await rig.data<TimelineView>("/data/runs/1/timeline?squeeze=0");
  expect(plain.pieces).toEqual([
    { from: base, to: base + week + 3_777, at: 0, width: expect.closeTo(1), isIdle: false },
  ]);
  const failed = await rig.data<TimelineView>("/data/runs/1/timeline?failed=1");
  expect([failed.tasks, failed.failed, failed.rows[0]?.spans?.[0]?.[0]]).toEqual([1, 1, 2]);
});

test("an axis goes from 0 to 1 without steps, whatever is idle", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const idle: { from: number; to: number }[] = [];
    for (let time = random.int(-50, 50); idle.length < random.int(0, 30);) {
      const to = time + random.int(1, 1 + Math.round(random.skewed(10_000)));
      idle.push({ from: time, to });
      time = to + random.int(0, 50);
    }
    const from = random.int(-100, 500);
    const axis = new TimeAxis({ from, to: from + random.int(0, 5_000) }, idle);
    const { pieces } = axis;
    expect(pieces[0]).toMatchObject({ from, at: 0 });
    expect(pieces.at(-1)?.to).toBe(axis.to);
    expect(pieces.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(1, 9);
    for (const [i, piece] of pieces.entries()) {
      expect(piece.width).toBeGreaterThan(0);
      expect(axis.at(piece.from)).toBeCloseTo(piece.at, 9);
      if (i > 0) expect(piece.from).toBe(pieces[i - 1]?.to ?? Number.NaN);
    }
    expect(axis.at(axis.to + 5)).toBe(1);
  }
});

test("a task that runs goes to the time of the answer; of a process that is gone, to what is last known", async () => {
  const tasks = [
    { id: 1, name: "load", worker: 0, status: "done", started: 0, ended: 50 },
    { id: 2, name: "load", worker: 1, status: "running", started: 10, ended: 0 },
  ];
  await using rig = await pageRig((db) => fill(db, tasks, "running"));
  const { rows, last } = await rig.data<TimelineView>("/data/runs/1/timeline");
  // Its process is gone.
  expect(last).toBe(base + 50);
  expect(rows[1]?.spans).toEqual([[2, base + 10, base + 50, "interrupted", 0]]);
});

test("a run in which nothing has begun has no rows", async () => {
  await using rig = await pageRig((db) => fill(db, []));
  const view = await rig.data<TimelineView>("/data/runs/1/timeline?by=definition&from=3&to=x");
  expect(view).toMatchObject({ by: "definition", rows: [], tasks: 0, isComplete: true });
});

const tenMachines = (db: Database): void => {
  const tasks = Array.from({ length: 80 }, (_, i) => ({
    id: i + 1,
    name: "load",
    worker: (i % 40) + 1,
    started: i,
    ended: i + 10,
    status: i === 7 || i === 47 ? "error" : "done",
  }));
  // Of an earlier session, in threads.
  const local = { id: 81, name: "load", worker: 3, status: "done", started: 0, ended: 5 };
  fill(db, [...tasks, local]);
  const machine = db.prepare("INSERT INTO pipeloom_machines VALUES (1, ?, ?)");
  // The order in which they came: the first one is web10.
  for (let i = 1; i <= 10; i++) machine.run(i, i === 10 ? "a<b>" : `web${11 - i}`);
  machine.finalize();
  // Four workers a machine, which have begun in turn.
  db.run("UPDATE task_runs SET machine = (worker - 1) % 10 + 1 WHERE id <= 80");
};

test("workers of machines have the names of the machines, and numbers of their threads there", async () => {
  await using rig = await pageRig(tenMachines);
  const of = async (query: string) =>
    (await rig.data<TimelineView>(`/data/runs/1/timeline?by=worker${query}`)).rows.map(
      ({ machine, thread, key }) => [machine, thread, key],
    );
  const rows = await of("");
  expect(rows).toHaveLength(41);
  expect(rows.slice(0, 6)).toEqual([
    [null, null, 3],
    ["a<b>", 1, 10],
    ["a<b>", 2, 20],
    ["a<b>", 3, 30],
    ["a<b>", 4, 40],
    ["web2", 1, 9],
  ]);
  expect(rows.slice(-4)).toEqual([
    ["web10", 1, 1],
    ["web10", 2, 11],
    ["web10", 3, 21],
    ["web10", 4, 31],
  ]);
  // A worker is called the same where others are left out.
  expect(await of("&failed=1")).toEqual([["web3", 1, 8]]);
});

test("the tasks of a worker are those of its machine", async () => {
  await using rig = await pageRig(tenMachines);
  const of = async (query: string) =>
    (await rig.data<TasksView>(`/data/runs/1/tasks?${query}`)).tasks.map(({ id }) => id);
  expect(await of("worker=3")).toEqual([3, 43, 81]);
  expect(await of("worker=3&machine=web8")).toEqual([3, 43]);
  expect(await of("worker=3&machine=")).toEqual([81]);
  expect(await of("worker=3&machine=web1")).toEqual([]);
  expect(await of("machine=a%3Cb%3E")).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
});

test("short tasks, with whose results no worker is stored, are in a row of their machine, which leads to them", async () => {
  await using rig = await pageRig((db) => {
    tenMachines(db);
    db.run("UPDATE task_runs SET worker = NULL WHERE id IN (3, 13, 23, 1, 81)");
  });
  const { rows } = await rig.data<TimelineView>("/data/runs/1/timeline");
  const unknown = rows.filter(({ key }) => key === null);
  expect(unknown.map(({ machine, thread, all }) => [machine, thread, all])).toEqual([
    ["web8", null, 3],
    ["web10", null, 1],
    [null, null, 1],
  ]);
  // Last of their machine: the numbers of its threads stay.
  expect(
    rows.filter(({ machine }) => machine === "web8").map(({ thread, key }) => [thread, key]),
  ).toEqual([
    [1, 3],
    [2, 13],
    [3, 23],
    [4, 33],
    [null, null],
  ]);
  for (const { key, machine, all } of rows) {
    const query = new URLSearchParams({ worker: String(key ?? "none"), machine: machine ?? "" });
    const { total } = await rig.data<TasksView>(`/data/runs/1/tasks?${query.toString()}`);
    expect(total).toBe(all);
  }
});
