import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { runId } from "../../src/protocol/ids.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { acquireRunLock, options } from "../store/write/options.ts";
import { tempFolder, type TempFolder } from "../store/write/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

function addRun(db: Database, id: number, pipeline: string, status: string, day: number): void {
  const at = `2026-01-0${day}T00:00:00.000Z`;
  db.query(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, finished_at) VALUES (?, ?, '{}', ?, ?, ?)",
  ).run(id, pipeline, status, at, status === "running" ? null : at);
  for (let task = 1; task <= 3; task++) {
    db.query(
      "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, ?, 'load', 'k', 'done')",
    ).run(id, task);
    db.query("INSERT INTO task_logs VALUES (?, ?, 1, '', 'info', 'line')").run(id, task);
  }
}

/** a: 1, 2, 3 (interrupted), 6; b: 4, 5. A table of the user's own. */
function filled(): TempFolder {
  const folder = tempFolder();
  using db = openDatabase(options(folder.file("pipeloom.db")));
  addRun(db, 1, "a", "done", 1);
  addRun(db, 2, "a", "error", 2);
  addRun(db, 3, "a", "running", 3);
  addRun(db, 4, "b", "done", 4);
  addRun(db, 5, "b", "done", 5);
  addRun(db, 6, "a", "done", 6);
  db.run("CREATE TABLE posts (run_id INTEGER, id INTEGER)");
  db.run("INSERT INTO posts VALUES (1, 1)");
  return folder;
}

type Left = { readonly runs: number[]; readonly tasks: number[]; readonly logs: number[] };

function left(folder: TempFolder): Left {
  using db = openDatabase(options(folder.file("pipeloom.db")));
  const ids = (sql: string): number[] => {
    using rows = db.prepare<{ id: number }, []>(sql);
    return rows.all().map(({ id }) => id);
  };
  expect(ids("SELECT id FROM posts")).toEqual([1]);
  return {
    runs: ids("SELECT id FROM pipeline_runs ORDER BY id"),
    tasks: ids("SELECT DISTINCT run_id AS id FROM task_runs ORDER BY 1"),
    logs: ids("SELECT DISTINCT run_id AS id FROM task_logs ORDER BY 1"),
  };
}

const all = (...ids: number[]): Left => ({ runs: ids, tasks: ids, logs: ids });

describe("which runs", () => {
  const rules: [string, string[], number[]][] = [
    ["all but the newest of each pipeline", ["--keep-runs", "1"], [3, 5, 6]],
    ["all but two of each pipeline", ["--keep-runs", "2"], [3, 4, 5, 6]],
    ["never the last run, nor an interrupted one", ["--keep-runs", "0"], [3, 6]],
    ["before a day", ["--older-than", "2026-01-02"], [2, 3, 4, 5, 6]],
    ["one pipeline", ["--keep-runs", "0", "--pipeline", "b"], [1, 2, 3, 6]],
    ["either rule", ["--keep-runs", "2", "--older-than", "2026-01-05T12:00Z"], [3, 6]],
    ["nothing", ["--older-than", "2020-01-01"], [1, 2, 3, 4, 5, 6]],
    ["nothing, before there were dates", ["--older-than", "999999999d"], [1, 2, 3, 4, 5, 6]],
  ];
  test.each(rules)("%s", async (_, args, ids) => {
    using folder = filled();
    const { code, err } = await pipeloom(folder.path, ["prune", ...args]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(left(folder)).toEqual(all(...ids));
    expect(folder.list()).toEqual(["pipeloom.db"]);
  });
});

test("a pipeline that has no runs is an error: its name is wrong", async () => {
  using folder = filled();
  const { code, err } = await pipeloom(folder.path, [
    "prune",
    "--keep-runs",
    "0",
    "--pipeline",
    "c",
  ]);
  expect(code).toBe(1);
  expect(err).toContain('has no runs of a pipeline "c"; it has runs of ');
  expect(left(folder)).toEqual(all(1, 2, 3, 4, 5, 6));
});

test("where there is nothing to prune, the file stays as it is, also one of an older version", async () => {
  using folder = tempFolder();
  const v4 = join(import.meta.dir, "../fixtures/killed-v4.sqlite");
  copyFileSync(v4, folder.file("pipeloom.db"));
  const args = ["prune", "--older-than", "2020-01-01"];
  const { code, out } = await pipeloom(folder.path, args);
  expect([code, out]).toEqual([0, "./pipeloom.db: no run is old by this rule\n"]);
  const json = await pipeloom(folder.path, [...args, "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ dryRun: false, runs: [], tasks: 0, freeBytes: 0 });
  expect(readFileSync(folder.file("pipeloom.db")).equals(readFileSync(v4))).toBe(true);
});

describe("what is deleted", () => {
  test("a dry run deletes nothing", async () => {
    using folder = filled();
    const { out } = await pipeloom(folder.path, ["prune", "--keep-runs", "1", "--dry-run"]);
    expect(out).toStartWith("would delete 3 runs, 1 to 4 (");
    expect(left(folder)).toEqual(all(1, 2, 3, 4, 5, 6));
  });

  test("--logs-only leaves the runs and their tasks", async () => {
    using folder = filled();
    const args = ["prune", "--keep-runs", "1", "--logs-only", "--json"];
    const { out } = await pipeloom(folder.path, args);
    expect(JSON.parse(out)).toMatchObject({ tasks: 0, logs: 9, dryRun: false });
    expect(left(folder)).toEqual({ ...all(1, 2, 3, 4, 5, 6), logs: [3, 5, 6] });
  });

  test("more rows than one transaction takes", async () => {
    using folder = filled();
    {
      using db = openDatabase(options(folder.file("pipeloom.db")));
      db.run(
        `WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
          INSERT INTO task_runs (run_id, id, name, key, status) SELECT 1, i, 'load', 'k', 'done' FROM n`,
      );
      db.run("INSERT INTO task_logs SELECT run_id, id, 1, '', 'info', '' FROM task_runs");
    }
    const { out } = await pipeloom(folder.path, ["prune", "--keep-runs", "2", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ tasks: 24_997 });
    expect(left(folder)).toEqual(all(3, 4, 5, 6));
  });

  test("--vacuum shrinks the file", async () => {
    using folder = filled();
    const size = (): number => statSync(folder.file("pipeloom.db")).size;
    {
      using db = openDatabase(options(folder.file("pipeloom.db")));
      db.query("INSERT INTO task_logs VALUES (1, 1, 1, '', 'info', ?)").run("x".repeat(1e6));
    }
    await pipeloom(folder.path, ["prune", "--keep-runs", "1"]);
    expect(size()).toBeGreaterThan(1e6);
    await pipeloom(folder.path, ["prune", "--keep-runs", "1", "--vacuum"]);
    expect(size()).toBeLessThan(1e6);
  });
});

test("while a run goes on: its rows stay, and the file is not shrunk", async () => {
  using folder = filled();
  using db = openDatabase(options(folder.file("pipeloom.db")));
  addRun(db, 7, "a", "running", 7);
  const lock = acquireRunLock(folder.file("pipeloom.db"), runId(7));
  const refused = await pipeloom(folder.path, ["prune", "--keep-runs", "0", "--vacuum"]);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("leave out --vacuum");
  expect((await pipeloom(folder.path, ["prune", "--keep-runs", "0"])).code).toBe(0);
  // The connection of the run still reads and writes the same files.
  addRun(db, 8, "a", "done", 8);
  expect(left(folder)).toEqual(all(3, 7, 8));
  lock.release();
});

const errors: [string, string[], number, string][] = [
  ["no rule", [], 2, "--keep-runs <n>, --older-than <time>"],
  ["a time that is none", ["--older-than", "soon"], 2, "30m"],
  ["a day that is none", ["--older-than", "2026-02-31"], 2, 'not "2026-02-31"'],
  ["no database", ["--keep-runs", "1", "--db", "no.db"], 1, "no database at no.db"],
];
test.each(errors)("%s", async (_, args, code, says) => {
  using folder = filled();
  const ended = await pipeloom(folder.path, ["prune", ...args]);
  expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" });
  expect(ended.err).toContain(says);
});
