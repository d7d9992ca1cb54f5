// A report answers as the server does, from what it has inside.

import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { assert, asyncProperty, constantFrom, record } from "fast-check";

import { reportAnswer } from "../../src/page/app/report-source.ts";
import type { LogsView, TasksView, TaskView } from "../../src/page/contract.ts";
import { reportData, reportOf } from "../../src/page/report.ts";
import { pageRig } from "./page-rig.ts";

const statuses = ["done", "error", "skipped", "cancelled"];
const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

function fill(db: Database, tasks: number): void {
  db.run(
    "INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total) VALUES ('</script>', '{}', 'error', ?, ?, ?)",
    [at(0), at(9), tasks],
  );
  const task = db.prepare(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt, worker, started_at, finished_at, rows, cpu_ms, waited_ms, error, result)
      VALUES (1, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (let i = 1; i <= tasks; i++) {
    const name = i % 3 === 0 ? "load" : "clean";
    const status = statuses[i % 11 === 0 ? 1 : i % 7 === 0 ? 2 : 0] ?? "";
    const hasRun = i % 5 !== 0;
    const error =
      status === "error" ? JSON.stringify({ name: "Error", message: `page ${i}` }) : null;
    task.run(
      i,
      name,
      `${name}:x`,
      status,
      i % 12 === 0 ? null : i % 2,
      hasRun ? at(i % 17) : null,
      hasRun ? at((i % 17) + (i % 4)) : null,
      i % 13,
      i % 6 === 0 ? null : i % 9,
      i % 8,
      error,
      `"${"r".repeat((i % 300) * 10)}"`,
    );
  }
  const log = db.prepare(
    "INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES (1, ?, 1, ?, ?, ?)",
  );
  for (let i = 1; i <= 500; i++)
    log.run((i % 9) + 1, at(i), i % 10 === 0 ? "warn" : "info", `<!-- ${i}`);
}

const filled =
  (tasks: number) =>
  (db: Database): void =>
    db.transaction(() => fill(db, tasks))();

const search = record(
  {
    status: constantFrom("done", "error,skipped", "running"),
    definition: constantFrom("load", "clean", "nope"),
    worker: constantFrom("0", "1", "none"),
    from: constantFrom(...[0, 5, 99].map((second) => String(Date.parse(at(second))))),
    to: constantFrom(...[0, 12].map((second) => String(Date.parse(at(second))))),
    text: constantFrom(
      "load",
      "page 1",
      "#22",
      "nothing",
      "LOAD",
      "load #21",
      " page  22 ",
      "#2",
      "%",
      "clean skipped",
      "_",
    ),
    sort: constantFrom("id", "duration", "started", "waited", "rows", "cpu", "attempts"),
    order: constantFrom("asc", "desc"),
    offset: constantFrom("0", "100"),
    limit: constantFrom("1", "200"),
  },
  { requiredKeys: [] },
);

test("tasks are filtered and sorted as the server does", async () => {
  await using rig = await pageRig(filled(330));
  const report = await reportData(rig.database, 1);
  await assert(
    asyncProperty(search, async (asked) => {
      const path = `/data/runs/1/tasks?${new URLSearchParams(asked).toString()}`;
      const server = await rig.data<TasksView>(path);
      const own = reportAnswer(report, path) as TasksView;
      expect([own.total, own.offset, own.tasks.map(({ id }) => id)]).toEqual([
        server.total,
        server.offset,
        server.tasks.map(({ id }) => id),
      ]);
    }),
    { numRuns: 60 },
  );
});

test("log lines come in the same pages", async () => {
  await using rig = await pageRig(filled(20));
  const report = await reportData(rig.database, 1);
  for (const path of ["?", "?before=300", "?before=101", "?level=warn", "?task=3", "?text=49"]) {
    const address = `/data/runs/1/logs${path}`;
    const { isPartial: _, ...server } = await rig.data<LogsView>(address);
    expect(reportAnswer(report, address)).toMatchObject({
      lines: server.lines,
      before: server.before,
    });
  }
});

test("of many tasks the failed ones are there, and that others are left out is said", async () => {
  await using rig = await pageRig(filled(6_000));
  const report = await reportData(rig.database, 1);
  expect(report.tasks.length).toBe(5_000);
  const failed = reportAnswer(report, "/data/runs/1/tasks?status=error") as TasksView;
  const { total } = await rig.data<TasksView>("/data/runs/1/tasks?status=error");
  expect([failed.total, failed.isCut]).toEqual([total, true]);
  const last = reportAnswer(report, `/data/runs/1/tasks/5995`) as TaskView;
  expect(last).toMatchObject({
    task: { id: 5995, status: "error" },
    error: { message: "page 5995" },
  });
  expect(reportAnswer(report, "/data/runs/1/tasks/5999")).toBeUndefined();
});

test("the file is one document that loads nothing and in which nothing of the data can run", async () => {
  await using rig = await pageRig(filled(300));
  const html = await reportOf(rig.database, 1, { script: "1", style: "2" });
  expect(html).toContain("connect-src 'none'");
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).not.toContain("<!-- ");
  expect(html).toContain("<title>&#60;/script&#62;, run 1</title>");
  expect(html.length).toBeLessThan(1_000_000);
});
