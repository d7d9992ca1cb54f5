// The failures of a run, counted in steps: what is shown while they are counted, and when some have changed.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { RunFailures } from "../../../src/page/index/run-failures.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../../store/write/options.ts";
import { tempFolder } from "../../store/write/temp-folder.ts";

/** More than three of the largest steps. */
const failed = 64_000;

function fill(path: string): void {
  using db = openDatabase(options(path));
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (1, 'p', '{}', 'error', '')",
  );
  db.run(`WITH RECURSIVE ids (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM ids WHERE value < ${failed})
    INSERT INTO task_runs (run_id, id, name, key, status, attempt, error)
    SELECT 1, value, 'load', 'k', 'error', 1,
      json_object('name', 'Error', 'message', CASE value % 4 WHEN 0 THEN 'disk ' ELSE 'net ' END || value)
    FROM ids`);
}

async function whole(failures: RunFailures): Promise<readonly number[]> {
  for (;;) {
    const { groups, isComplete, isBehind } = await failures.look(50);
    if (isComplete && !isBehind) return groups.map(({ count }) => count);
  }
}

test("counted bit by bit: some, then all; a change is counted while the last whole answer is shown", async () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  fill(path);
  using reader = openReader(path);
  const failures = new RunFailures(reader, runId(1));
  const first = await failures.look(0);
  expect([first.isComplete, first.groups.map(({ count }) => count)]).toEqual([false, [750, 250]]);
  expect(await whole(failures)).toEqual([(failed * 3) / 4, failed / 4]);
  {
    using db = new Database(path);
    db.run("UPDATE task_runs SET status = 'done', error = NULL WHERE id % 4 = 0 AND id > 4");
  }
  const before = await failures.look(0);
  expect([before.isComplete, before.isBehind, before.groups[1]?.count]).toEqual([
    true,
    true,
    failed / 4,
  ]);
  expect(await whole(failures)).toEqual([(failed * 3) / 4, 1]);
  expect(await failures.look(0)).toMatchObject({ isBehind: false });
});
