import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { taskId, unknownPosition } from "../../../src/protocol/ids.ts";
import type { RestoredPage } from "../../../src/protocol/messages.ts";
import { restoredPages, storedResults } from "../../../src/store/write/earlier-sessions.ts";
import { tasksIn } from "../../support/restored.ts";
import { storedRun } from "./options.ts";

function withResults(results: readonly string[]): Database {
  const db = new Database(":memory:");
  db.run(
    "CREATE TABLE task_runs (run_id, id, name, key, status, attempt, cursor, result, error, fingerprint, position DEFAULT 0, started_at, PRIMARY KEY (run_id, id))",
  );
  db.run("CREATE TABLE task_attempts (run_id, task_id, attempt, started_at, outcome)");
  const insert = db.query(
    "INSERT INTO task_runs VALUES (1, ?, 't', 'k', 'done', 1, NULL, ?, NULL, NULL, 0, NULL)",
  );
  for (const [index, result] of results.entries()) insert.run(index + 1, result);
  return db;
}

const long = JSON.stringify("x".repeat(2000));

test("a long result is not told with its task, and is found when it is asked for", () => {
  using db = withResults(["7", long, JSON.stringify("ä".repeat(600))]);
  const known = [...restoredPages(storedRun(db))].flatMap(tasksIn);
  expect(known.map(({ result }) => result)).toEqual([
    "7",
    null,
    // Bytes count, not characters.
    null,
  ]);
  expect([...storedResults(storedRun(db), [taskId(2)])]).toEqual([[[2, long]]] as never);
});

test("a long failure is told as far as it is shown", () => {
  using db = withResults(["1"]);
  const message = "ä".repeat(2000);
  const error = JSON.stringify({ name: "TypeError", message, stack: "at x" });
  db.run("UPDATE task_runs SET status = 'error', error = ?", [error]);
  const known = [...restoredPages(storedRun(db))].flatMap(tasksIn);
  expect(known.map(({ status, result }) => [status, result])).toEqual([
    ["failed", JSON.stringify({ name: "TypeError", message: message.slice(0, 1000) })],
  ]);
});

test.each(['"text"', "{", null])("an error that is no failure is damaged: %p", (error) => {
  using db = withResults(["1"]);
  db.run("UPDATE task_runs SET status = 'error', error = ?", [error]);
  expect(() => [...restoredPages(storedRun(db))]).toThrow(
    "a.db is damaged: the error of task 1 of run 1 cannot be read",
  );
});

const donePage = (ids: string, keys: string, results: string | null): RestoredPage => ({
  tasks: [],
  done: { ids, keys, results, positions: null },
});

test("done tasks come joined, and what SQLite cannot check is looked at: damaged, or just uncommon", () => {
  using db = withResults(["null", "null", "1", "[2]", "3"]);
  const pages = (): unknown[] => [...restoredPages(storedRun(db), 2)];
  const [ones, twos, last] = [
    donePage("1,2", "k\u001fk", null),
    donePage("3,4", "k\u001fk", "1\u001f[2]"),
    donePage("5", "k", "3"),
  ];
  expect(pages()).toEqual([ones, twos, last]);
  const deep = "[".repeat(500) + "]".repeat(500);
  db.run("UPDATE task_runs SET result = ? WHERE id = 1", [deep]);
  db.run("UPDATE task_runs SET fingerprint = 1 WHERE id = 3");
  const others = [...restoredPages(storedRun(db))].flatMap(tasksIn);
  expect(others.map(({ id, isOutdated }) => [Number(id), isOutdated])).toEqual([
    [1, undefined],
    [2, undefined],
    [3, true],
    [4, undefined],
    [5, undefined],
  ]);
  expect(others[0]?.result).toBe(deep);
});

test("positions: that of the id, another one, and none in the rows of earlier versions", () => {
  using db = withResults(["1", "1", "1", "1"]);
  const positions = (): number[] =>
    [...restoredPages(storedRun(db))].flatMap(tasksIn).map(({ position }) => position);
  expect(positions()).toEqual([1, 2, 3, 4]);
  db.run("UPDATE task_runs SET position = 70368744177664 WHERE id IN (2, 4)");
  db.run("UPDATE task_runs SET position = NULL WHERE id = 3");
  db.run("UPDATE task_runs SET status = 'queued' WHERE id = 4");
  expect(positions()).toEqual([1, 2 ** 46, unknownPosition, 2 ** 46]);
});

test.each([
  ["id", "id = 'x'"],
  ["id", "id = 1.5"],
  ["key", "key = NULL"],
  ["status", "status = 'gone'"],
  ["attempt", "attempt = -1"],
  ["position", "position = -1"],
  ["position", "position = 'x'"],
  ["cursor", "cursor = '{'"],
  ["result", "result = '{'"],
  ["result", "result = NULL"],
])("a %s that is none is damaged: %s", (column, set) => {
  using db = withResults(["1", "2", "3"]);
  db.run(`UPDATE task_runs SET ${set} WHERE id = 3`);
  expect(() => [...restoredPages(storedRun(db), 2)]).toThrow(
    `a.db is damaged: the ${column} of task`,
  );
});

test("they come in pages of so many characters", () => {
  using db = withResults([long, long, long, long, long]);
  const ids = [5, 1, 2, 3, 4].map(taskId);
  const pages = [...storedResults(storedRun(db), ids, 4000)].map((page) => page.map(([id]) => id));
  expect(pages).toEqual([[5, 1], [2, 3], [4]].map((page) => page.map(taskId)));
});

test("one that somebody has deleted meanwhile is an error, not null", () => {
  using db = withResults([long]);
  db.run("DELETE FROM task_runs");
  expect(() => [...storedResults(storedRun(db), [taskId(1)])]).toThrow(
    "a.db is damaged: the result of task 1 of run 1 cannot be read",
  );
});

test.each(["zeroblob(2000)", "printf('%.*c', 2000, '[')"])(
  "a long result that is no JSON is damaged: %s",
  (result) => {
    using db = withResults(["1"]);
    db.run(`UPDATE task_runs SET result = ${result}`);
    expect(() => [...storedResults(storedRun(db), [taskId(1)])]).toThrow(
      "a.db is damaged: the result of task 1 of run 1 cannot be read",
    );
  },
);
