import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";

import { DatabasePair, type Side } from "../../../src/store/write/database-pair.ts";
import { tempFolder, type TempFolder } from "../../support/temp-folder.ts";

/** Databases of two undisturbed runs and of one that was killed, each made by its SQL. */
function databases(folder: TempFolder, ...sqls: readonly string[]): Side[] {
  return sqls.map((sql, i) => {
    const path = join(folder.path, `${i}.db`);
    using db = new Database(path);
    db.run(sql);
    return { path, run: i + 1 };
  });
}

/** Plans with the first two, and compares the first with the third. */
function compared(first: string, second: string, killed = first) {
  using folder = tempFolder();
  const [a, b, found] = databases(folder, first, second, killed);
  if (a === undefined || b === undefined || found === undefined) throw new Error("three");
  using undisturbed = new DatabasePair(a, b);
  const plan = undisturbed.plan();
  using pair = new DatabasePair(a, found);
  return { plan, size: undisturbed.size(plan), ...pair.compare(plan) };
}

const table = (columns: string, ...rows: readonly string[]): string =>
  `CREATE TABLE t (${columns}); INSERT INTO t VALUES ${rows.map((row) => `(${row})`).join()};`;

test("equal databases have no differences", () => {
  const sql = table("id INTEGER PRIMARY KEY, x", "1, 'a'", "2, NULL", "3, x'00ff'");
  const { plan, size, rows, tasks } = compared(sql, sql);
  expect(plan).toMatchObject({ leftOut: [], unequal: [] });
  expect(size).toEqual({ rows: 3, tasks: 0 });
  expect(rows).toEqual({ lost: 0, twice: 0, changed: 0, first: undefined });
  expect(tasks).toEqual({ lost: 0, twice: 0, changed: 0, first: undefined });
});

test("rows are lost, twice or changed, by their key", () => {
  const columns = "id INTEGER PRIMARY KEY, x, y";
  const whole = table(columns, "1, 'a', 1", "2, 'b', 2", "3, 'c', 3");
  const lost = compared(whole, whole, table(columns, "1, 'a', 1", "2, 'b', 2"));
  expect(lost.rows).toMatchObject({ lost: 1, twice: 0, changed: 0 });
  expect(lost.rows.first).toEqual({
    kind: "rows",
    place: "t",
    key: { id: 3n },
    undisturbed: { times: 1, row: { id: 3n, x: "c", y: 3n } },
    found: null,
  });
  const changed = compared(whole, whole, table(columns, "1, 'a', 1", "2, 'B', 2", "3, 'c', 3"));
  expect(changed.rows).toMatchObject({ lost: 0, twice: 0, changed: 1 });
  expect(changed.rows.first).toMatchObject({
    key: { id: 2n },
    undisturbed: { times: 1, row: { x: "b" } },
    found: { times: 1, row: { x: "B" } },
  });
  const extra = compared(whole, whole, `${whole} INSERT INTO t VALUES (4, 'd', 4)`);
  expect(extra.rows).toMatchObject({ lost: 0, twice: 1, changed: 0 });
});

test("without a key, equal rows are counted", () => {
  const { rows } = compared(table("x", "1", "1"), table("x", "1", "1"), table("x", "1", "1", "1"));
  expect(rows).toMatchObject({ lost: 0, twice: 1, changed: 0 });
  expect(rows.first).toMatchObject({
    undisturbed: { times: 2, row: { x: 1n } },
    found: { times: 3, row: { x: 1n } },
  });
});

test("values are compared exactly: type, case, trailing blanks", () => {
  for (const other of ["'1'", "1.0", "x'31'", "NULL"]) {
    const { rows } = compared(table("x", "1"), table("x", "1"), table("x", other));
    expect([other, rows.lost + rows.changed]).toEqual([other, 1]);
  }
  const nocase = "x TEXT COLLATE NOCASE, y TEXT COLLATE RTRIM";
  const one = table(nocase, "'a', 'b'");
  expect(compared(one, one, table(nocase, "'A', 'b'")).rows.lost).toBe(1);
  expect(compared(one, one, table(nocase, "'a', 'b  '")).rows.lost).toBe(1);
});

test("of two rows with one key, the columns that differ are shown", () => {
  const columns = "id INTEGER PRIMARY KEY, same, blob, n, kind";
  const one = table(columns, "1, x'00ff', x'01', 9007199254740993, 1");
  const other = table(columns, "1, x'00ff', x'02', 9007199254740992, 1.0");
  expect(compared(one, one, other).rows.first).toMatchObject({
    undisturbed: { row: { blob: new Uint8Array([1]), n: 9007199254740993n, kind: 1n } },
    found: { row: { blob: new Uint8Array([2]), n: 9007199254740992n, kind: 1 } },
  });
  expect(Object.keys(compared(one, one, other).rows.first?.found?.row ?? {})).toEqual([
    "blob",
    "n",
    "kind",
  ]);
});

test("keys beyond 2^53 are two keys", () => {
  const columns = "id INTEGER PRIMARY KEY, x";
  const one = table(columns, "9007199254740992, 1");
  const other = table(columns, "9007199254740993, 1");
  expect(compared(one, one, other).rows).toMatchObject({ lost: 1, twice: 1, changed: 0 });
});

test("a table that is not there has lost its rows, and a new one has too many", () => {
  const sql = table("x", "1", "2");
  expect(compared(sql, sql, "CREATE TABLE other (y)").rows.lost).toBe(2);
  expect(
    compared(sql, sql, `${sql} CREATE TABLE u (y); INSERT INTO u VALUES (1)`).rows,
  ).toMatchObject({
    lost: 0,
    twice: 1,
    changed: 0,
  });
});

const state = (value: string, by: number): string =>
  `CREATE TABLE pipeloom_state (pipeline, key, value, run_id, task_id, at, PRIMARY KEY (pipeline, key));
   INSERT INTO pipeloom_state VALUES ('p', 'last', '${value}', ${by}, ${by}, '${by}')`;

test("of the state of pipelines, the values are compared, not who has set them", () => {
  expect(compared(state("1", 1), state("1", 2), state("1", 3))).toMatchObject({
    plan: { leftOut: [] },
    rows: { lost: 0, twice: 0, changed: 0 },
  });
  const { rows } = compared(state("1", 1), state("1", 2), state("2", 3));
  expect(rows).toMatchObject({ lost: 0, twice: 0, changed: 1 });
  expect(rows.first).toMatchObject({
    place: "pipeloom_state",
    key: { pipeline: "p", key: "last" },
  });
});

test("columns that two undisturbed runs do not agree on are left out", () => {
  const columns = "x, at, r";
  const first = table(columns, "1, '10:00', 0.1", "2, '10:00', 0.2");
  const second = table(columns, "1, '10:05', 0.3", "2, '10:06', 0.4");
  const killed = table(columns, "1, '11:05', 0.5", "2, '11:06', 0.6", "2, '11:06', 0.6");
  const { plan, rows } = compared(first, second, killed);
  expect(plan.leftOut).toEqual(["t.at", "t.r"]);
  expect(rows).toMatchObject({ lost: 0, twice: 1, changed: 0 });
});

test("ids in the order of commits are left out, and what they are joined to is compared", () => {
  const columns = "id INTEGER PRIMARY KEY, x, y";
  const first = table(columns, "1, 'a', 10", "2, 'b', 20");
  const second = table(columns, "1, 'b', 20", "2, 'a', 10");
  const { plan, rows } = compared(first, second, table(columns, "1, 'a', 20", "2, 'b', 10"));
  expect(plan.leftOut).toEqual(["t.id"]);
  expect(rows).toMatchObject({ lost: 2, twice: 2 });
});

test("rows that SQLite has numbered in another order after a kill are the same rows", () => {
  const columns = "id INTEGER PRIMARY KEY, x, y";
  const whole = table(columns, "7, 'a', 1", "9, 'b', 2", "10, 'c', 3", "11, 'c', 3");
  const other = table(columns, "7, 'a', 1", "9, 'c', 3", "10, 'b', 2", "11, 'c', 3");
  const { rows, renumbered } = compared(whole, whole, other);
  expect([rows.lost, rows.twice, rows.changed, renumbered]).toEqual([0, 0, 0, ["t.id"]]);
});

test("rows under other numbers are changed where SQLite has not numbered them", () => {
  const columns = "id INTEGER PRIMARY KEY, x";
  const whole = table(columns, "1, 'a'", "2, 'b'", "3, 'c'");
  for (const [before, after, changed] of [
    // A number is missing between the rows: SQLite would not have left it out.
    [table(columns, "1, 'a'", "2, 'b'", "4, 'c'"), table(columns, "1, 'b'", "2, 'a'", "4, 'c'"), 2],
    [table(columns, "10, 'a'", "20, 'b'"), table(columns, "10, 'b'", "20, 'a'"), 2],
    // Another value, too.
    [whole, table(columns, "1, 'b'", "2, 'a'", "3, 'd'"), 3],
    // The same rows under numbers that the undisturbed run does not have.
    [whole, table(columns, "1, 'a'", "2, 'b'", "4, 'c'"), 0],
  ] as const) {
    const { rows, renumbered } = compared(before, before, after);
    expect([rows.changed, rows.first !== undefined, renumbered]).toEqual([changed, true, []]);
  }
  const text = table("id TEXT PRIMARY KEY, x", "'1', 'a'", "'2', 'b'");
  const swapped = table("id TEXT PRIMARY KEY, x", "'1', 'b'", "'2', 'a'");
  expect(compared(text, text, swapped)).toMatchObject({ rows: { changed: 2 }, renumbered: [] });
});

test("two columns of one order are left out together", () => {
  const columns = "id INTEGER PRIMARY KEY, ref, x";
  const first = table(columns, "1, 11, 'a'", "2, 12, 'b'", "3, 13, 'c'");
  const second = table(columns, "1, 11, 'c'", "2, 12, 'a'", "3, 13, 'b'");
  expect(compared(first, second).plan.leftOut).toEqual(["t.id", "t.ref"]);
});

test("a table with another number of rows in two undisturbed runs is not repeatable", () => {
  const { plan, size } = compared(table("x", "1"), table("x", "1", "2"));
  expect(plan).toMatchObject({ leftOut: [], unequal: ["t: 1 and 2"] });
  expect(size).toEqual({ rows: 0, tasks: 0 });
});

const taskTable =
  "CREATE TABLE task_runs (run_id, id, name, key, status, result, error, PRIMARY KEY (run_id, id));";
const task = (run: number, id: number, name: string, result: string): string =>
  `INSERT INTO task_runs VALUES (${run}, ${id}, '${name.replace("'", "''")}', 'k${id}', 'done', '${result}', NULL);`;

test("tasks are compared by name, in the run of each side", () => {
  const older = task(99, 1, "load", "9");
  const one = (run: number, r: string): string =>
    taskTable + older + task(run, 1, "load", "1") + task(run, 2, "it's random", r);
  const { plan, size, tasks } = compared(
    one(1, "0.1"),
    one(2, "0.2"),
    taskTable + task(3, 1, "load", "7") + task(3, 2, "it's random", "0.3"),
  );
  expect(plan.leftOut).toEqual(["task it's random.result"]);
  expect(size.tasks).toBe(2);
  expect(tasks).toMatchObject({ lost: 0, twice: 0, changed: 1 });
  expect(tasks.first).toMatchObject({
    place: "task load",
    undisturbed: { row: { result: "1" } },
    found: { row: { result: "7" } },
  });
});

test("a task that only the killed run has", () => {
  const one = (run: number): string => taskTable + task(run, 1, "load", "1");
  const { tasks } = compared(one(1), one(2), one(3) + task(3, 2, "it's new", "2"));
  expect(tasks).toMatchObject({ lost: 0, twice: 1, changed: 0 });
  expect(tasks.first).toMatchObject({
    place: "other task",
    key: { name: "it's new", key: "k2" },
    undisturbed: null,
  });
});

test("a task that only one of two undisturbed runs has is not repeatable", () => {
  const one = (run: number): string => taskTable + task(run, 1, "load", "1");
  const more = one(2) + task(2, 2, "later", "2");
  const { plan, tasks } = compared(one(1), more, one(3) + task(3, 2, "later", "2"));
  expect(plan.unequal).toEqual(["task later: 0 and 1"]);
  expect(tasks.twice).toBe(0);
});

test("names that need quotes", () => {
  const sql = `CREATE TABLE "a ""b" ("select" PRIMARY KEY, "x y"); INSERT INTO "a ""b" VALUES (1, 2);`;
  expect(compared(sql, sql, `${sql} DELETE FROM "a ""b"`).rows).toMatchObject({ lost: 1 });
});
