import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { definitionProgress } from "../../../src/store/read/definition-progress.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

const addTask = (db: Database, id: number, name: string, key: string): unknown =>
  db.run("INSERT INTO task_runs (run_id, id, name, key, status) VALUES (1, ?, ?, ?, 'queued')", [
    id,
    name,
    key,
  ]);

test("a task that was never ready has no hash in its key: its name is its definition", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  {
    using db = openDatabase(options(path));
    addTask(db, 1, "load-day", "load-day:1fz9x");
    addTask(db, 2, "load-day", "load-day");
    addTask(db, 3, "report", "report");
    addTask(db, 4, "etl:load", "etl:load");
    addTask(db, 5, "of its own", "etl:load:3k");
    addTask(db, 6, "of its own", "sum");
  }
  using reader = openReader(path);
  const found = definitionProgress(reader, runId(1), "2026-01-01").map(({ task, left }) => [
    task,
    left,
  ]);
  expect(Object.fromEntries(found)).toEqual({ "load-day": 2, report: 1, "etl:load": 2, sum: 1 });
});
