import { expect, test } from "bun:test";

import { runId } from "../../../src/protocol/ids.ts";
import { type FailureGroup, failureGroups } from "../../../src/store/read/failed-tasks.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

type Failed = readonly [id: number, message: string];

function groupsOf(failed: readonly Failed[], sql = ""): readonly FailureGroup[] {
  using folder = tempFolder();
  const path = folder.file("a.db");
  {
    using db = openDatabase(options(path));
    for (const run of [1, 2]) {
      db.query(
        "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (?, 'p', '{}', 'error', '')",
      ).run(run);
      db.query(
        "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, 999, 'fine', 'k', 'done')",
      ).run(run);
    }
    const task = db.query(
      "INSERT INTO task_runs (run_id, id, name, key, status, attempt, error) VALUES (1, ?, 'load', 'k', 'error', 2, ?)",
    );
    const log = db.query("INSERT INTO task_logs VALUES (1, ?, 1, '', 'info', ?)");
    // One commit: a slow disk takes 10 ms for each.
    db.run("BEGIN");
    for (const [id, message] of failed) {
      task.run(id, JSON.stringify({ name: "Error", message }));
      for (const line of ["a", "b", "c", "d"]) log.run(id, `${id} ${line}`);
    }
    db.run("COMMIT");
    if (sql !== "") db.run(sql);
  }
  using reader = openReader(path);
  return failureGroups(reader, runId(1));
}

const shape = (groups: readonly FailureGroup[]): unknown =>
  groups.map(({ tasks, count }) => [count, tasks.map(({ id }) => id)]);

test("the most frequent message first, with its first three tasks", () => {
  const failed: Failed[] = [
    [1, "disk"],
    [2, "net"],
    [3, "net"],
    [4, "net"],
    [5, "net"],
  ];
  expect(shape(groupsOf(failed))).toEqual([
    [4, [2, 3, 4]],
    [1, [1]],
  ]);
});

test("messages that differ only in numbers are one group", () => {
  expect(
    shape(
      groupsOf([
        [1, "row 5 of page 12"],
        [2, "row 17 of page 3"],
        [3, "row x of page 3"],
      ]),
    ),
  ).toEqual([
    [2, [1, 2]],
    [1, [3]],
  ]);
});

test("the last log lines of the first task", () => {
  const [group] = groupsOf([[7, "no"]]);
  expect(group?.logs.map(({ line }) => line)).toEqual(["7 b", "7 c", "7 d"]);
  expect(group?.tasks[0]).toEqual({
    id: 7,
    name: "load",
    label: null,
    attempt: 2,
    machine: null,
    failure: { name: "Error", message: "no" },
    earlierAttempts: [],
  });
});

test("the earlier attempts of the tasks that are named, the last 20 of each", () => {
  const columns = "run_id, task_id, attempt, worker, started_at, finished_at, outcome, error";
  const attempts = `INSERT INTO task_attempts (${columns})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    SELECT 1, 7, i, 0, NULL, NULL, 'error', '{"name":"E","message":"' || i || '"}' FROM n
    UNION ALL SELECT 2, 7, 99, 0, NULL, NULL, 'error', NULL`;
  const [group] = groupsOf([[7, "no"]], attempts);
  const seen = group?.tasks[0]?.earlierAttempts ?? [];
  expect(seen.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, i) => i + 11));
  expect(seen[0]?.error).toEqual({ name: "E", message: "11" });
  const [old] = groupsOf([[7, "no"]], "DROP TABLE task_attempts");
  expect(old?.tasks[0]?.earlierAttempts).toEqual([]);
});

test("a dropped table of logs, and an error that is not JSON", () => {
  const [group] = groupsOf([[7, "no"]], "DROP TABLE task_logs");
  expect(group?.logs).toEqual([]);
  const [edited] = groupsOf([[7, "no"]], "UPDATE task_runs SET error = 'edited' WHERE id = 7");
  expect(edited?.tasks[0]?.failure.message).toBe("edited");
  const odd = `'{"name":"E","message":"m","stack":1,"cause":2,"errors":[3,{"name":"F","message":"n"}]}'`;
  const [damaged] = groupsOf([[7, "no"]], `UPDATE task_runs SET error = ${odd} WHERE id = 7`);
  expect(damaged?.tasks[0]?.failure).toEqual({
    name: "E",
    message: "m",
    errors: [{ name: "F", message: "n" }],
  });
});

test("no more than 100 messages are kept", () => {
  const letters = Array.from({ length: 150 }, (_, i) => "x".repeat(i + 1));
  const groups = groupsOf(letters.map((message, i) => [i + 1, message]));
  expect(groups).toHaveLength(100);
});

test("the most frequent message is the first one, whatever came before it", () => {
  const once = Array.from({ length: 150 }, (_, i): Failed => [i + 1, "x".repeat(i + 1)]);
  const often = [200, 201, 202, 203].map((id): Failed => [id, "the disk is full"]);
  const groups = groupsOf([...once, ...often]);
  expect(groups).toHaveLength(100);
  expect([groups[0]?.count, groups[0]?.message]).toEqual([4, "the disk is full"]);
});

test("long messages that differ at their ends are two groups", () => {
  const long = "y".repeat(300);
  expect(
    shape(
      groupsOf([
        [1, `${long}a`],
        [2, `${long}b`],
        [3, `${long}a`],
      ]),
    ),
  ).toEqual([
    [2, [1, 3]],
    [1, [2]],
  ]);
});
