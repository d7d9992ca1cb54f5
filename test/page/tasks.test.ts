import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { reportAnswer } from "../../src/page/app/report-source.ts";
import type { DefinitionsView, TasksView, TimelineView } from "../../src/page/contract.ts";
import { reportData } from "../../src/page/report.ts";
import { pageRig } from "./page-rig.ts";

const iso = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

function addRun(db: Database, status = "error"): void {
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total)
      VALUES ('etl', '{}', ?, ?, ?, 9)`,
    [status, iso(0), status === "running" ? null : iso(9000)],
  );
}

type Given = {
  readonly definition?: string;
  readonly name?: string;
  readonly status?: string;
  readonly started?: number;
  readonly ms?: number;
  readonly rows?: number | null;
  readonly cpu?: number | null;
  readonly waited?: number | null;
  readonly attempt?: number;
  readonly input?: string | null;
  readonly label?: string | null;
  readonly error?: string | null;
};

function addTask(db: Database, id: number, task: Given = {}): void {
  const { definition = "load", status = "done", started = id, ms = 10, rows = null } = task;
  const isOver = status !== "running" && status !== "queued";
  const begun = status === "queued" || status === "skipped" ? null : iso(started);
  db.run(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, rows, cpu_ms, waited_ms, worker, input, label, error)
      VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      id,
      task.name ?? definition,
      `${definition}:3k${id}`,
      status,
      task.attempt ?? 1,
      begun,
      isOver && begun !== null ? iso(started + ms) : null,
      rows,
      task.cpu ?? null,
      task.waited ?? null,
      id % 2,
      task.input ?? null,
      task.label ?? null,
      task.error ?? null,
    ],
  );
}

const failure = (message: string): string =>
  JSON.stringify({ name: "Error", message, stack: "Error: x\n  at parse.ts:12" });

test("a run's definitions: counts, durations, rows, CPU time and waits", async () => {
  await using rig = await pageRig((db) => {
    addRun(db);
    for (let id = 1; id <= 20; id++)
      addTask(db, id, { ms: id * 10, rows: id, waited: id < 4 ? id * 100 : 0 });
    addTask(db, 21, { definition: "report", status: "error", ms: 7, cpu: 3 });
    addTask(db, 22, { definition: "report", status: "skipped", attempt: 0 });
  });
  const { definitions, ...about } = await rig.data<DefinitionsView>("/data/runs/1/definitions");
  expect(about).toEqual({
    isComplete: true,
    isBehind: false,
    asOf: expect.any(Number),
    indexed: 22,
    planned: 9,
    isCut: false,
  });
  expect(
    definitions.map(({ counts: { done, error, skipped }, ...rest }) => [
      done,
      error,
      skipped,
      rest,
    ]),
  ).toEqual([
    [
      20,
      0,
      0,
      {
        name: "load",
        tasks: 20,
        medianMs: 100,
        p95Ms: 190,
        maxMs: 200,
        rows: 210,
        cpuMs: null,
        cpuTasks: 0,
        medianWaitedMs: 0,
        maxWaitedMs: 300,
      },
    ],
    [
      0,
      1,
      1,
      {
        name: "report",
        tasks: 2,
        medianMs: 7,
        p95Ms: 7,
        maxMs: 7,
        rows: null,
        cpuMs: 3,
        cpuTasks: 1,
        medianWaitedMs: null,
        maxWaitedMs: null,
      },
    ],
  ]);
});

test("tasks are sorted by each column; what is not known is last, equal ones are by id", async () => {
  await using rig = await pageRig((db) => {
    addRun(db);
    addTask(db, 1, { ms: 30, rows: 5, cpu: 1, waited: 100, attempt: 2, started: 50 });
    addTask(db, 2, { ms: 10, rows: 7, waited: 0, started: 40 });
    addTask(db, 3, { ms: 10, cpu: 9, attempt: 3, started: 2 ** 41 });
    addTask(db, 4, { status: "queued", attempt: 0 });
  });
  const ids = async (query: string): Promise<number[]> =>
    (await rig.data<TasksView>(`/data/runs/1/tasks?${query}`)).tasks.map(({ id }) => id);
  expect(await ids("")).toEqual([1, 2, 3, 4]);
  expect(await ids("order=desc")).toEqual([4, 3, 2, 1]);
  expect(await ids("sort=duration")).toEqual([2, 3, 1, 4]);
  expect(await ids("sort=duration&order=desc")).toEqual([1, 2, 3, 4]);
  expect(await ids("sort=started&order=desc")).toEqual([3, 1, 2, 4]);
  expect(await ids("sort=waited")).toEqual([2, 1, 3, 4]);
  expect(await ids("sort=rows&order=desc")).toEqual([2, 1, 3, 4]);
  expect(await ids("sort=cpu&order=desc")).toEqual([3, 1, 2, 4]);
  expect(await ids("sort=attempts")).toEqual([4, 2, 1, 3]);
  expect(await ids("sort=attempts&offset=1&limit=2")).toEqual([2, 1]);
  expect(await ids("sort=nothing&limit=x&offset=-1")).toEqual([1, 2, 3, 4]);
});

test("tasks are filtered by status, definition, worker and time, and told as the terminal tells them", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "running");
    addTask(db, 1, { input: '{"day":"2026-01-01","n":3}', started: 0, ms: 100 });
    addTask(db, 2, { label: "<img onerror=x>", started: 200, ms: 100 });
    addTask(db, 3, {
      name: "weekly",
      input: '{"n":1}',
      status: "error",
      error: failure("no page"),
    });
    addTask(db, 4, { definition: "report", status: "running", started: 250 });
    addTask(db, 5, { status: "queued" });
    db.run("UPDATE task_runs SET worker = NULL WHERE id IN (2, 5)");
  });
  const shown = async (query: string): Promise<readonly [number, ...number[]]> => {
    const { total, tasks } = await rig.data<TasksView>(`/data/runs/1/tasks?${query}`);
    return [total, ...tasks.map(({ id }) => id)];
  };
  expect(await shown("status=error,done")).toEqual([3, 1, 2, 3]);
  expect(await shown("definition=report")).toEqual([1, 4]);
  expect(await shown("definition=report&definition=load&status=done,interrupted")).toEqual([
    3, 1, 2, 4,
  ]);
  expect(await shown("definition=other")).toEqual([0]);
  expect(await shown("worker=1")).toEqual([2, 1, 3]);
  // Not the one that waits: the timeline's row of unknown workers leads here.
  expect(await shown("worker=none")).toEqual([1, 2]);
  expect(await shown("id=3")).toEqual([1, 3]);
  const base = Date.UTC(2026, 0, 1);
  expect(await shown(`from=${base + 150}&to=${base + 220}`)).toEqual([1, 2]);
  expect(await shown(`from=${base + 260}`)).toEqual([2, 2, 4]);
  // Its process is gone.
  expect(await shown("status=running")).toEqual([0]);
  expect(await shown("status=interrupted")).toEqual([1, 4]);
  const { tasks } = await rig.data<TasksView>("/data/runs/1/tasks");
  expect(tasks.map(({ name, label, status, error }) => [name, label, status, error])).toEqual([
    ["load", "day=2026-01-01 n=3", "done", null],
    ["load", "<img onerror=x>", "done", null],
    ["weekly", null, "error", "no page"],
    ["report", null, "interrupted", null],
    ["load", null, "queued", null],
  ]);
  expect(tasks[0]).toMatchObject({
    startedAt: base,
    durationMs: 100,
    worker: 1,
    definition: "load",
  });
  expect(tasks[3]).toMatchObject({ durationMs: null, definition: "report" });
});

test("a range of the timeline leads to the tasks that it has, on the page and in a report", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "running");
    addTask(db, 1, { started: 0, ms: 5_000 });
    // The clock was set back.
    addTask(db, 2, { started: 20_000, ms: -10_000 });
    // It waits for its next attempt.
    addTask(db, 3, { started: 6_000, status: "queued" });
    db.run("UPDATE task_runs SET started_at = ? WHERE id = 3", [iso(6_000)]);
    addTask(db, 4, { started: 21_000, status: "running" });
    addTask(db, 5, { started: 30_000, ms: 0, status: "error" });
    addTask(db, 6, { status: "skipped" });
  });
  const report = await reportData(rig.database, 1);
  const base = Date.UTC(2026, 0, 1);
  for (const [from, to, ...wanted] of [
    [0, 30_000, 1, 2, 3, 4, 5],
    [6_000, 8_000, 3],
    [7_000, 19_999],
    [15_000, 25_000, 2, 4],
    [30_000, 30_000, 4, 5],
  ] as const) {
    const range = `from=${base + from}&to=${base + to}`;
    const { rows } = await rig.data<TimelineView>(`/data/runs/1/timeline?by=definition&${range}`);
    const spans = rows.flatMap((row) => row.spans ?? []).map(([id]) => id);
    expect(spans.toSorted((a, b) => a - b)).toEqual([...wanted]);
    const listed = await rig.data<TasksView>(`/data/runs/1/tasks?${range}`);
    const own = reportAnswer(report, `/data/runs/1/tasks?${range}`) as TasksView;
    for (const { tasks } of [listed, own]) expect(tasks.map(({ id }) => id)).toEqual([...wanted]);
  }
  // Nobody knows how long an interrupted task took.
  const path = "/data/runs/1/tasks?sort=duration&order=desc";
  for (const { tasks } of [
    await rig.data<TasksView>(path),
    reportAnswer(report, path) as TasksView,
  ])
    expect(tasks.map(({ id }) => id)).toEqual([1, 2, 5, 3, 4, 6]);
});

test("a text is found in names, labels, inputs and errors, and nowhere else", async () => {
  await using rig = await pageRig((db) => {
    addRun(db);
    addTask(db, 1, { input: '{"day":"2026-01-01","n":31}' });
    addTask(db, 2, { label: "Ämter 100%_a" });
    addTask(db, 3, { name: "weekly", status: "error", error: failure('HTTP 500 of "x"') });
    addTask(db, 4, { definition: "report", error: "not JSON", status: "error" });
    addTask(db, 31, { input: String.raw`{"path":"C:\\data","s":"say \"x\""}` });
    addTask(db, 32, {
      error: JSON.stringify({ name: "E", message: "a", cause: { name: "F", message: "deep" } }),
    });
  });
  const found = async (text: string): Promise<number[]> => {
    const { tasks, searched } = await rig.data<TasksView>(
      `/data/runs/1/tasks?${new URLSearchParams({ text }).toString()}`,
    );
    expect(searched).toBe(6);
    return tasks.map(({ id }) => id);
  };
  expect(await found("LOAD")).toEqual([1, 2, 31, 32]);
  expect(await found("weekly")).toEqual([3]);
  expect(await found("day=2026-01-01")).toEqual([1]);
  expect(await found("n=3")).toEqual([1]);
  expect(await found("load n=31")).toEqual([1]);
  expect(await found("100%_")).toEqual([2]);
  expect(await found("%")).toEqual([2]);
  expect(await found('500 "x"')).toEqual([3]);
  expect(await found("not json")).toEqual([4]);
  expect(await found("deep")).toEqual([32]);
  expect(await found(String.raw`c:\data`)).toEqual([31]);
  expect(await found("#31")).toEqual([31]);
  // The stack and the names of JSON are not shown in a list.
  expect(await found("parse.ts")).toEqual([]);
  expect(await found("message")).toEqual([]);
  expect(await found("load nothing")).toEqual([]);
  expect(await found("   ")).toEqual([1, 2, 3, 4, 31, 32]);
});

test("a run that is not there, and one without tasks", async () => {
  await using rig = await pageRig((db) => addRun(db));
  expect((await rig.get("/data/runs/2/tasks")).status).toBe(404);
  expect((await rig.get("/data/runs/2/definitions")).status).toBe(404);
  expect(await rig.data<TasksView>("/data/runs/1/tasks")).toMatchObject({ total: 0, tasks: [] });
});
