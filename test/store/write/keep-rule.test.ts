import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { openDatabase } from "../../../src/store/open-database.ts";
import { pruneOldRuns } from "../../../src/store/write/keep-rule.ts";
import type { KeepRule } from "../../../src/protocol/run-request.ts";
import { impatient, options } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";

const now = Date.parse("2026-01-10T00:00:00.000Z");
const dayMs = 86_400_000;
const day = (n: number): string => `2026-01-0${n}T00:00:00.000Z`;

type Prune = (db: Database, path: string, keep: KeepRule) => void;
const pruned: Prune = (db, path, keep) => pruneOldRuns(db, path, "posts", keep, now);

/** Runs 1 to 5 of `posts` end on the days 1 to 5, unless told otherwise; run 6 of `pages` on day 1; run 7 of `posts` goes on. */
function left(
  keep: KeepRule,
  ends: Readonly<Record<number, number>> = {},
  prune: Prune = pruned,
): number[] {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using db = openDatabase(options(path), impatient);
  const run = db.query(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, finished_at) VALUES (?, ?, '{}', ?, ?, ?)",
  );
  for (let id = 1; id <= 5; id++) run.run(id, "posts", "done", day(id), day(ends[id] ?? id));
  run.run(6, "pages", "done", day(1), day(1));
  run.run(7, "posts", "running", day(9), null);
  db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status) SELECT id, 1, '', '', 'done' FROM pipeline_runs",
  );
  prune(db, path, keep);
  const ids = (sql: string): number[] =>
    db
      .query<{ id: number }, []>(sql)
      .all()
      .map(({ id }) => id);
  const runs = ids("SELECT id FROM pipeline_runs ORDER BY id");
  expect(ids("SELECT run_id AS id FROM task_runs ORDER BY run_id")).toEqual(runs);
  return runs;
}

const rules: [string, KeepRule, number[]][] = [
  ["the newest three, the one that ends included", { runs: 3, ageMs: null }, [4, 5, 6, 7]],
  ["the newest alone", { runs: 1, ageMs: null }, [6, 7]],
  ["what ended in the last six days", { runs: null, ageMs: 6 * dayMs }, [4, 5, 6, 7]],
  ["both", { runs: 2, ageMs: 6 * dayMs }, [5, 6, 7]],
  ["what ended since before there were dates", { runs: null, ageMs: 1e17 }, [1, 2, 3, 4, 5, 6, 7]],
  ["more than there are", { runs: 100, ageMs: 365 * dayMs }, [1, 2, 3, 4, 5, 6, 7]],
];
test.each(rules)("keeps %s", (_, keep, ids) => {
  expect(left(keep)).toEqual(ids);
});

test("a run that was continued after newer ones had begun does not delete itself", () => {
  expect(left({ runs: 2, ageMs: null }, { 2: 8 })).toEqual([2, 6, 7]);
});

const locked: Prune = (db, path, keep) => {
  using other = new Database(path);
  other.run("BEGIN IMMEDIATE");
  pruned(db, path, keep);
  other.run("ROLLBACK");
};

test("another program's lock is not waited for: the next run deletes the rest", () => {
  expect(left({ runs: 1, ageMs: null }, {}, locked)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
