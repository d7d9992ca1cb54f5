import { expect, test } from "bun:test";

import { runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { type DefinitionCosts, definitionCosts } from "../../../src/store/read/task-costs.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

function costsIn(sql: string): readonly DefinitionCosts[] {
  using folder = tempFolder();
  const path = folder.file("a.db");
  {
    using db = openDatabase(options(path));
    db.run(sql);
  }
  using reader = openReader(path);
  return definitionCosts(reader, runId(1));
}

const at = (seconds: number): string => `'2026-01-01T00:00:0${seconds}.000Z'`;
const insert =
  "INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, rows, cpu_ms, waited_ms) VALUES";

test("by definition: what is known of the tasks that have begun", () => {
  const rows = [
    `(1, 1, 'a', 'load:1x0', 'done', 1, ${at(0)}, ${at(1)}, 10, 5, 0)`,
    `(1, 2, 'b', 'load:1x1', 'done', 1, ${at(0)}, ${at(3)}, 1, NULL, 700)`,
    `(1, 3, 'c', 'load:1x2', 'running', 1, ${at(4)}, NULL, 0, NULL, 900)`,
    `(1, 4, 'd', 'load:1x3', 'queued', 0, NULL, NULL, 0, NULL, NULL)`,
    `(1, 5, 'e', 'old:1x4', 'done', 1, ${at(0)}, ${at(2)}, NULL, NULL, NULL)`,
    `(2, 1, 'a', 'load:1x0', 'done', 1, ${at(0)}, ${at(9)}, 99, 99, 99)`,
  ];
  expect(costsIn(`${insert} ${rows.join(", ")}`)).toEqual([
    {
      name: "load",
      tasks: 3,
      medianMs: 1000,
      maxMs: 3000,
      rows: 11,
      cpuMs: 5,
      cpuTasks: 1,
      medianWaitedMs: 700,
      maxWaitedMs: 900,
    },
    {
      name: "old",
      tasks: 1,
      medianMs: 2000,
      maxMs: 2000,
      rows: null,
      cpuMs: null,
      cpuTasks: 0,
      medianWaitedMs: null,
      maxWaitedMs: null,
    },
  ]);
});

test("nothing where no task has begun", () => {
  expect(
    costsIn(`${insert} (1, 4, 'd', 'load:1x3', 'queued', 0, NULL, NULL, 0, NULL, NULL)`),
  ).toEqual([]);
});
