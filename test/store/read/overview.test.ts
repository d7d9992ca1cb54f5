import type { Database } from "bun:sqlite";
import { Database as Sqlite } from "bun:sqlite";
import { expect, test } from "bun:test";

import { runId } from "../../../src/protocol/ids.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { overview, type Overview } from "../../../src/store/read/overview.ts";
import type { RunProcess } from "../../../src/store/liveness.ts";
import { join } from "node:path";
import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../write/options.ts";
import { tempFolder, type TempFolder } from "../write/temp-folder.ts";
import { readerError } from "./support.ts";

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const names = (seen: Overview): string => seen.tasks.map(({ name }) => name).join("");

function fill(db: Database): void {
  const run = db.query(
    "INSERT INTO pipeline_runs (id, pipeline, file, params, status, tasks_total, started_at, finished_at, pid, host, error) VALUES (?, 'posts', NULL, '{}', ?, 3, '2026-01-01T00:00:00.000Z', ?, 7, 'laptop', ?)",
  );
  run.run(1, "error", "2026-01-01T00:01:00.000Z", '{"name":"E","message":"m"}');
  run.run(2, "running", null, null);
  run.run(3, "running", null, null);
  const task = db.query(
    "INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, result, error) VALUES (?, ?, ?, 'k', ?, 1, ?, ?, ?, ?)",
  );
  task.run(1, 1, "a", "done", at(1), at(2), "[1]", null);
  task.run(1, 2, "b", "error", at(1), at(3), null, "not json");
  task.run(2, 1, "c", "running", at(1), null, null, null);
  task.run(3, 1, "d", "done", at(1), at(5), "2", null);
  task.run(3, 2, "e", "running", at(3), null, null, null);
  task.run(3, 3, "f", "running", at(4), null, null, null);
  task.run(3, 4, "g", "done", at(1), at(6), "3", null);
  task.run(3, 5, "h", "queued", null, null, null, null);
}

type More = Partial<Parameters<typeof overview>[1]>;

function look(folder: TempFolder, more: More = {}): Overview {
  using reader = openReader(folder.file("a.db"));
  return overview(reader, {
    maxRuns: 10,
    maxTasks: 100,
    isAlive: (run) => run.id === runId(3),
    ...more,
  });
}

const filled = (): TempFolder => {
  const folder = tempFolder();
  using db = openDatabase(options(folder.file("a.db")));
  fill(db);
  return folder;
};

test("runs newest first, and who was killed is interrupted", () => {
  using folder = filled();
  const { runs, counts } = look(folder);
  expect(runs.map(({ id, status }) => [Number(id), status])).toEqual([
    [3, "running"],
    [2, "interrupted"],
    [1, "error"],
  ]);
  expect(runs[0]?.counts).toMatchObject({ done: 2, running: 2, queued: 1, interrupted: 0 });
  expect(runs[1]?.counts).toMatchObject({ running: 0, interrupted: 1 });
  expect(runs[2]?.error).toEqual({ name: "E", message: "m" });
  expect(counts).toEqual({
    queued: 1,
    running: 2,
    interrupted: 1,
    done: 3,
    error: 1,
    cancelled: 0,
    skipped: 0,
  });
});

test("tasks of the newest run first; in a run what runs, then what ended last", () => {
  using folder = filled();
  expect(names(look(folder))).toBe("fegdhcba");
  expect(names(look(folder, { maxTasks: 3 }))).toBe("feg");
  expect(names(look(folder, { run: runId(1) }))).toBe("ba");
});

test("a continued run that is running comes before later runs, and so do its tasks", () => {
  using folder = filled();
  const seen = look(folder, { isAlive: (run) => run.id === runId(2), maxRuns: 2 });
  expect(seen.runs.map(({ id }) => Number(id))).toEqual([2, 3]);
  expect(names(seen)).toBe("cfegdhba");
});

test("a run that ends while it is looked at is not taken for dead", () => {
  using folder = filled();
  using db = new Sqlite(folder.file("a.db"));
  using reader = openReader(folder.file("a.db"));
  const isAlive = (run: RunProcess): boolean => {
    db.run("UPDATE pipeline_runs SET status = 'done' WHERE id = ?", [run.id]);
    return false;
  };
  const { runs } = overview(reader, { maxRuns: 10, maxTasks: 1, isAlive });
  expect(runs.map(({ status }) => status)).toEqual(["done", "done", "error"]);
});

test("one run", () => {
  using folder = filled();
  const { runs, tasks, counts } = look(folder, { run: runId(1) });
  expect(runs.map(({ id }) => Number(id))).toEqual([1]);
  expect(counts).toMatchObject({ done: 1, error: 1, running: 0 });
  // A value that is not a failure of pipeloom's is shown as text.
  expect(tasks[0]?.error).toEqual({ name: "Error", message: "not json" });
  expect(readerError(() => look(folder, { run: runId(9) })).code).toBe("no-such-run");
});

test("another program's database, and a newer one", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  {
    using db = new Sqlite(path);
    db.run("CREATE TABLE invoices (id)");
  }
  expect(readerError(() => look(folder)).code).toBe("no-tables");
  openDatabase(options(path)).close(true);
  expect(look(folder)).toMatchObject({ runs: [], tasks: [] });
  {
    using db = new Sqlite(path);
    db.run("UPDATE pipeloom_schema SET version = 99");
  }
  expect(readerError(() => look(folder)).code).toBe("newer-version");
});

test("a file of version 1 is read as it is", () => {
  using reader = openReader(join(import.meta.dir, "../../fixtures/v1.sqlite"));
  const seen: RunProcess[] = [];
  const isAlive = (run: RunProcess): boolean => seen.push(run) > 0;
  const { runs } = overview(reader, { maxRuns: 10, maxTasks: 10, isAlive });
  expect(runs.map(({ status }) => status)).toEqual(["running", "error"]);
  expect(seen).toEqual([{ id: runId(2), pid: 4300, host: "laptop", processStartedAt: null }]);
});

test.each([
  ["UPDATE pipeline_runs SET id = 0 WHERE id = 3", "the id 0;"],
  ["UPDATE pipeline_runs SET id = 9223372036854775807 WHERE id = 2", "the id 9223372036854775807;"],
])("a run with an id that pipeloom never gives: %s", (sql, id) => {
  using folder = filled();
  using db = new Sqlite(folder.file("a.db"));
  db.run(sql);
  const error = readerError(() => look(folder));
  expect(error.code).toBe("corrupt");
  expect(error.message).toContain(`is damaged: it has a run with ${id} restore a copy`);
});

test.each([
  ["UPDATE task_runs SET status = 'dome' WHERE name = 'a'", "a task with the status dome;"],
  ["UPDATE pipeline_runs SET status = 'x' WHERE id = 1", "a run with the status x;"],
])("a status that pipeloom never writes is named: %s", (sql, what) => {
  using folder = filled();
  using db = new Sqlite(folder.file("a.db"));
  db.run(sql);
  expect(readerError(() => look(folder))).toMatchObject({
    code: "corrupt",
    message: expect.stringContaining(`is damaged: it has ${what} restore a copy`),
  });
});

test("a task with any value in any column but its id", () => {
  using folder = filled();
  using db = new Sqlite(folder.file("a.db"));
  db.run("UPDATE task_runs SET attempt = 'x', progress = 'x' WHERE name = 'f'");
  expect(look(folder).tasks.find(({ name }) => name === "f")).toMatchObject({
    attempt: 0,
    progress: 0,
  });
  db.run("UPDATE task_runs SET id = 'x' WHERE name = 'f'");
  expect(readerError(() => look(folder)).message).toContain(
    "is damaged: it has a task with the id x; restore a copy",
  );
});
