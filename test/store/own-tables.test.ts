import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { openDatabase } from "../../src/store/open-database.ts";
import { idsWith } from "../../src/store/own-tables.ts";
import { options } from "./write/options.ts";
import { tempFolder } from "./write/temp-folder.ts";

/** Index, and its line of `sqlite_stat1`: entries, and how many of them a run has on average. */
type Statistics = readonly (readonly [index: string, stat: string])[];

/** `undefined`: the file has none. */
const known: Record<string, Statistics | undefined> = {
  none: undefined,
  "of a small run before": [
    ["pipeloom_failed_tasks", "0 0 0"],
    ["pipeloom_running_tasks", "0 0 0"],
    ["task_runs", "1 1 1"],
  ],
  "of a short analysis of a million tasks": [
    ["pipeloom_failed_tasks", "1000 401 1"],
    ["pipeloom_running_tasks", "1000 401 1"],
    ["task_runs", "1000002 201 1"],
  ],
  "of a file whose tasks have nearly all failed": [
    ["pipeloom_failed_tasks", "999999 999999 1"],
    ["pipeloom_running_tasks", "3 1 1"],
    ["task_runs", "1000000 1000000 1"],
  ],
};

for (const [name, statistics] of Object.entries(known)) {
  test(`the ids of failed and of running tasks come from their indexes, with statistics: ${name}`, () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    {
      using db = openDatabase(options(path));
      db.run("ANALYZE");
      db.run("DELETE FROM sqlite_stat1");
      for (const [index, stat] of statistics ?? []) {
        db.query("INSERT INTO sqlite_stat1 VALUES ('task_runs', ?, ?)").run(index, stat);
      }
    }
    using db = new Database(path);
    const plan = (sql: string): string =>
      db
        .query<{ detail: string }, [number]>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(1)
        .map(({ detail }) => detail)
        .join();
    expect(plan(idsWith("?1", "error"))).toContain("COVERING INDEX pipeloom_failed_tasks");
    expect(plan(idsWith("?1", "running"))).toContain("COVERING INDEX pipeloom_running_tasks");
  });
}
