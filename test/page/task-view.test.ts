import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import type { FailuresView, LogsView, TaskView } from "../../src/page/contract.ts";
import { pageRig } from "./page-rig.ts";

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

function addTask(
  db: Database,
  id: number,
  status: string,
  more: Readonly<Record<string, string | number>> = {},
): void {
  const row = { run_id: 1, id, name: "load", key: "load:x", status, attempt: 1, ...more };
  const names = Object.keys(row);
  db.run(
    `INSERT INTO task_runs (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    Object.values(row),
  );
}

const errorOf = (message: string): string =>
  JSON.stringify({
    name: "TypeError",
    message,
    stack: `TypeError: ${message}\n    at run (/gone/etl.ts:3:7)`,
  });

const fill = (db: Database): void => db.transaction(() => insertRun(db))();

function insertRun(db: Database): void {
  db.run(
    "INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, tasks_total) VALUES ('etl', '/gone/etl.ts', '{}', 'error', ?, 4)",
    [at(0)],
  );
  addTask(db, 1, "done", { result: `"${"x".repeat(30_000)}"`, input: '{"day":1}', rows: 7 });
  const times = { started_at: at(1), finished_at: at(3) };
  addTask(db, 2, "error", { error: errorOf("page 7 is <b>gone</b>"), attempt: 2, ...times });
  addTask(db, 3, "error", { error: errorOf("page 8 is <b>gone</b>") });
  addTask(db, 4, "skipped", { name: "report", key: "report:x", needs: "2-3" });
  db.run(
    "INSERT INTO task_attempts (run_id, task_id, attempt, worker, started_at, finished_at, outcome, error) VALUES (1, 2, 1, 0, ?, ?, 'error', ?)",
    [at(0), at(1), errorOf("first")],
  );
  const log = db.prepare(
    "INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES (?, ?, 1, ?, ?, ?)",
  );
  for (let i = 1; i <= 450; i++)
    log.run(1, i % 2 === 0 ? 2 : 1, at(i), i % 50 === 0 ? "warn" : "info", `line ${i}`);
  log.run(2, 1, at(0), "info", "of another run");
}

const linesOf = ({ lines }: LogsView): string => lines.map(({ line }) => line.slice(5)).join(" ");

describe("one task", () => {
  test("has its error, the place, its attempts and what it was given", async () => {
    await using rig = await pageRig(fill);
    const view = await rig.data<TaskView>("/data/runs/1/tasks/2");
    expect(view).toMatchObject({
      task: { id: 2, status: "error", durationMs: 2000, attempt: 2 },
      error: { name: "TypeError", message: "page 7 is <b>gone</b>" },
      attempts: [{ attempt: 1, outcome: "error", error: { message: "first" } }],
      result: null,
    });
    expect(view.place).toEndWith("etl.ts:3:7");
  });

  test("of a run with an engine, it says where each attempt ran", async () => {
    await using rig = await pageRig((db) => {
      fill(db);
      db.run(
        "INSERT INTO pipeloom_machines VALUES (1, 1, 'web1'), (1, 2, 'web2'), (2, 1, 'other')",
      );
      db.run("UPDATE task_runs SET machine = 2 WHERE id = 2");
      db.run("UPDATE task_attempts SET machine = 1");
    });
    const { task, attempts } = await rig.data<TaskView>("/data/runs/1/tasks/2");
    expect([...attempts, task].map(({ machine }) => machine)).toEqual(["web1", "web2"]);
    expect((await rig.data<TaskView>("/data/runs/1/tasks/1")).task.machine).toBeNull();
  });

  test("a long result is cut, and that is said", async () => {
    await using rig = await pageRig(fill);
    const { result, input } = await rig.data<TaskView>("/data/runs/1/tasks/1");
    expect([result?.text.length, result?.isCut]).toEqual([20_000, true]);
    expect(input).toEqual({ text: '{"day":1}', isCut: false });
  });

  test("a skipped task names the failures behind it", async () => {
    await using rig = await pageRig(fill);
    const { culprits, needs } = await rig.data<TaskView>("/data/runs/1/tasks/4");
    expect(culprits.map(({ id }) => id)).toEqual([2, 3]);
    expect(needs.map(({ id, status }) => [id, status])).toEqual([
      [2, "error"],
      [3, "error"],
    ]);
  });

  test("that is not there", async () => {
    await using rig = await pageRig(fill);
    expect((await rig.get("/data/runs/1/tasks/9")).status).toBe(404);
    expect((await rig.get("/data/runs/9/tasks/1")).status).toBe(404);
  });
});

test("failures are grouped by message, whatever its numbers", async () => {
  await using rig = await pageRig(fill);
  const { groups } = await rig.data<FailuresView>("/data/runs/1/failures");
  expect(groups).toMatchObject([{ count: 2, tasks: [{ id: 2, attempt: 2 }, { id: 3 }] }]);
  expect(groups[0]?.logs.map(({ line }) => line)).toEqual(["line 446", "line 448", "line 450"]);
});

describe("log lines", () => {
  test("come in pages: the last ones first, and earlier ones before them", async () => {
    await using rig = await pageRig(fill);
    const last = await rig.data<LogsView>("/data/runs/1/logs");
    expect([last.lines.length, last.lines[0]?.line, last.lines.at(-1)?.line]).toEqual([
      200,
      "line 251",
      "line 450",
    ]);
    const middle = await rig.data<LogsView>(`/data/runs/1/logs?before=${last.before}`);
    expect([middle.lines[0]?.line, middle.lines.at(-1)?.line]).toEqual(["line 51", "line 250"]);
    const first = await rig.data<LogsView>(`/data/runs/1/logs?before=${middle.before}`);
    expect([first.lines.length, first.before]).toEqual([50, null]);
    const later = await rig.data<LogsView>(`/data/runs/1/logs?after=${last.after}`);
    expect([later.lines, later.after]).toEqual([[], last.after]);
  });

  test("of a level, of a task, with a text", async () => {
    await using rig = await pageRig(fill);
    const warnings = await rig.data<LogsView>("/data/runs/1/logs?level=warn");
    expect(linesOf(warnings)).toBe("50 100 150 200 250 300 350 400 450");
    const ofTask = await rig.data<LogsView>("/data/runs/1/logs?task=2&text=LINE+45");
    expect(linesOf(ofTask)).toBe("450");
    const nothing = await rig.data<LogsView>("/data/runs/1/logs?text=nowhere");
    expect([nothing.lines, nothing.before]).toEqual([[], null]);
  });

  test("new ones, after those that were shown", async () => {
    await using rig = await pageRig(fill);
    const page = await rig.data<LogsView>("/data/runs/1/logs?after=447");
    expect(linesOf(page)).toBe("448 449 450");
  });

  test("all of them, as a file", async () => {
    await using rig = await pageRig(fill);
    const response = await rig.get("/data/runs/1/log-file?task=1");
    expect(response.headers.get("content-disposition")).toBe(
      'attachment; filename="pipeloom.db-run-1.log"',
    );
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const lines = (await response.text()).trim().split("\n");
    expect([lines.length, lines[0]]).toEqual([225, `${at(1)} info  load day=1 #1: line 1`]);
  });
});
