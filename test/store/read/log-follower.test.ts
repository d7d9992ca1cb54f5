import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { type RunId, runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { LogFollower } from "../../../src/store/read/log-follower.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import type { LogFilter } from "../../../src/store/read/task-logs.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

const [old, followed] = [runId(1), runId(2)];

function log(db: Database, run: RunId, line: string, level = "info"): void {
  const at = "2026-01-01T00:00:00.000Z";
  db.run("INSERT INTO task_logs VALUES (?, 1, 1, ?, ?, ?)", [run, at, level, line]);
}

function follow(before: (db: Database) => void, most?: number) {
  const folder = tempFolder();
  const path = folder.file("a.db");
  const db = openDatabase(options(path));
  before(db);
  const reader = openReader(path);
  const filter: LogFilter = {
    run: followed,
    tasks: { type: "all" },
    level: "info",
    matches: () => true,
  };
  const follower = new LogFollower(reader, filter, most);
  return {
    db,
    look: () => {
      const { lines, hasMore } = reader.snapshot(() => follower.next());
      return [...lines.map(({ line }) => line), ...(hasMore ? ["…"] : [])];
    },
    [Symbol.dispose]() {
      reader.close();
      db.close(true);
      folder[Symbol.dispose]();
    },
  };
}

const prune = (db: Database): void => void db.run("DELETE FROM task_logs WHERE run_id = ?", [old]);

test("lines that come, each once", () => {
  using run = follow((db) => log(db, followed, "before"));
  expect(run.look()).toEqual([]);
  log(run.db, followed, "a");
  log(run.db, old, "of another run");
  log(run.db, followed, "deep", "debug");
  log(run.db, followed, "b");
  expect(run.look()).toEqual(["a", "b"]);
  expect(run.look()).toEqual([]);
});

test("the last rows are pruned, and their numbers are given to new lines", () => {
  using run = follow((db) => {
    for (let i = 0; i < 5; i++) log(db, old, "old");
  });
  prune(run.db);
  log(run.db, followed, "a");
  expect(run.look()).toEqual(["a"]);
  for (let i = 0; i < 5; i++) log(run.db, old, "old");
  expect(run.look()).toEqual([]);
  prune(run.db);
  for (const line of ["b", "c", "d", "e", "f", "g"]) log(run.db, followed, line);
  expect(run.look()).toEqual(["b", "c", "d", "e", "f", "g"]);
  expect(run.look()).toEqual([]);
});

test("many lines come in pages", () => {
  using run = follow(() => undefined, 2);
  for (const line of ["a", "b", "c"]) log(run.db, followed, line);
  expect(run.look()).toEqual(["a", "b", "…"]);
  log(run.db, followed, "d");
  expect(run.look()).toEqual(["c", "d", "…"]);
  expect(run.look()).toEqual([]);
});
