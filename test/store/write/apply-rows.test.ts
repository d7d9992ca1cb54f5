import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Row, Rows } from "../../../src/api/context.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import { encodeRows } from "../../../src/worker/row-batches.ts";
import { insertTarget, type TargetTable, upsertTarget } from "../../../src/worker/target-table.ts";
import { RowsApplier } from "../../../src/store/write/apply-rows.ts";
import { readRows } from "../../support/read-rows.ts";
import { unlocked } from "./options.ts";

const id = taskId(1);
let db: Database;
let applier: RowsApplier;

beforeEach(() => {
  db = new Database(":memory:", { safeIntegers: true });
  db.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, email UNIQUE)");
  applier = new RowsApplier(db, true, unlocked);
});

afterEach(() => {
  applier.close();
  db.close(true);
});

const put = async (rows: Rows, target: TargetTable): Promise<void> =>
  void encodeRows(rows, target, (text) => applier.apply(readRows(text)));
const all = (sql = "SELECT id, a, b FROM t ORDER BY id"): unknown[] => db.prepare(sql).values();
const byId = upsertTarget(id, "t", { key: "id" });

test("upsert adds and updates; what was not given stays", async () => {
  await put([{ id: 1, a: "x", b: "y" }], byId);
  await put(
    [
      { id: 1, a: "z" },
      { id: 2, a: "n" },
    ],
    byId,
  );
  expect(all()).toEqual([
    [1n, "z", "y"],
    [2n, "n", null],
  ]);
});

test("update names what to overwrite; nothing leaves the row alone", async () => {
  await put([{ id: 1, a: "a", b: "b" }], byId);
  await put([{ id: 1, a: "A", b: "B" }], upsertTarget(id, "t", { key: "id", update: ["b"] }));
  expect(all()).toEqual([[1n, "a", "B"]]);
  await put([{ id: 1, a: "?", b: "?" }], upsertTarget(id, "t", { key: "id", update: "nothing" }));
  expect(all()).toEqual([[1n, "a", "B"]]);
  await put([{ id: 1 }, { id: 9 }], byId);
  expect(all()).toEqual([
    [1n, "a", "B"],
    [9n, null, null],
  ]);
});

test("of equal keys in one call the last wins, across the seams of statements too", async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => ({ id: i % 7, a: i }));
  await put(rows, byId);
  expect(all("SELECT id, a FROM t ORDER BY id")).toEqual(
    Array.from({ length: 7 }, (_, key) => [
      BigInt(key),
      BigInt(rows.findLast((row) => row.id === key)?.a ?? -1),
    ]),
  );
});

test("rows without columns take the table's defaults", async () => {
  await put([{}, {}], insertTarget(id, "t"));
  expect(all()).toEqual([
    [1n, null, null],
    [2n, null, null],
  ]);
});

test("any name is quoted", async () => {
  const column = `weird "col" -- ;`;
  db.run(`CREATE TABLE "ta""ble; '" (id INTEGER PRIMARY KEY, "weird ""col"" -- ;", "select")`);
  await put([{ id: 1, [column]: 2, select: 3 }], upsertTarget(id, `ta"ble; '`, { key: "id" }));
  expect(all(`SELECT * FROM "ta""ble; '"`)).toEqual([[1n, 2n, 3n]]);
});

/** What SQLite gives back for a cell: integers as bigint here, the rest as the issue says. */
function stored(value: Row[string]): unknown {
  if (value === undefined) return null;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}

/** A double that holds a whole number comes back as either; both are the same number. */
const same = (value: unknown): unknown =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 63
    ? BigInt(value)
    : value;

const cell = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "\0",
    "\u001f",
    "a\u001fb",
    "a\0b",
    "'; DROP TABLE t; --",
    "\u{1f600}",
    "NaN",
    "x".repeat(5000),
  ),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    -(2 ** 53),
    5e-324,
    1.7976931348623157e308,
    Infinity,
    -Infinity,
  ),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.uint8Array({ maxLength: 40 }),
  fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") }),
  fc.array(fc.integer()),
  fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.constant(null)), {
    noNullPrototype: true,
  }),
);

test("property: every value comes back as the table of types says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 150 }), async (cells) => {
      db.run("DELETE FROM t");
      const rows = cells.map(([a, b], i) => ({ id: i, a, b }));
      await put(rows, byId);
      expect(
        all("SELECT a, b FROM t ORDER BY id").map((row) => (row as unknown[]).map(same)),
      ).toEqual(rows.map((row) => [same(stored(row.a)), same(stored(row.b))]));
    }),
    { numRuns: 60 },
  );
});

const apply = (text: string): void => applier.apply(readRows(text));

type Mixed = { id: number; a?: number | null | undefined; b?: string | null | undefined };

/** Row by row, what a person would do: a column that is not given keeps its value, or begins with its default. */
function modelOf(rows: readonly Mixed[]): unknown[] {
  const table = new Map<number, { a: unknown; b: unknown }>();
  for (const { id: key, a, b } of rows) {
    const before = table.get(key) ?? { a: null, b: "default" };
    table.set(key, { a: a === undefined ? before.a : a, b: b === undefined ? before.b : b });
  }
  return [...table]
    .toSorted(([x], [y]) => x - y)
    .map(([key, { a, b }]) => [BigInt(key), typeof a === "number" ? BigInt(a) : a, b]);
}

test("property: rows of mixed shapes, in batches of any size and however handed over, equal a model", () => {
  const row: fc.Arbitrary<Mixed> = fc.record(
    {
      id: fc.integer({ min: 0, max: 20 }),
      a: fc.constantFrom(1, 2, 3, null, undefined),
      b: fc.constantFrom("x", "y", null, undefined),
    },
    { requiredKeys: ["id"] },
  );
  db.run("CREATE TABLE m (id INTEGER PRIMARY KEY, a, b DEFAULT 'default')");
  const target = upsertTarget(id, "m", { key: "id" });
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 200 }),
      fc.integer({ min: 1, max: 90 }),
      fc.constantFrom("array", "iterable", "one by one"),
      (rows, size, how) => {
        db.run("DELETE FROM m");
        const limits = { rows: size, chars: 1e9 };
        if (how === "one by one") for (const one of rows) encodeRows([one], target, apply, limits);
        else encodeRows(how === "array" ? rows : rows.values(), target, apply, limits);
        expect(all("SELECT id, a, b FROM m ORDER BY id")).toEqual(modelOf(rows));
      },
    ),
    { numRuns: 100 },
  );
});

test("of the columns that `update` lists, a row overwrites those that it gives", async () => {
  await put(
    [
      { id: 1, a: "old", b: "old" },
      { id: 2, a: "old", b: "old" },
    ],
    byId,
  );
  const listed = upsertTarget(id, "t", { key: "id", update: ["b"] });
  await put(
    [
      { id: 1, a: "new" },
      { id: 2, a: "new", b: "new" },
      { id: 3, a: "new" },
    ],
    listed,
  );
  expect(all()).toEqual([
    [1n, "old", "old"],
    [2n, "old", "new"],
    [3n, "new", null],
  ]);
});

async function refusal(
  rows: Rows,
  target: TargetTable,
): Promise<{ message: string; code: unknown }> {
  try {
    await put(rows, target);
  } catch (error) {
    if (error instanceof Error) return { message: error.message, code: Reflect.get(error, "code") };
  }
  throw new Error("it was accepted");
}

test("a table or column that does not exist: the error says which do", async () => {
  expect((await refusal([{ a: 1 }], insertTarget(id, "nope"))).message).toBe(
    'insert into "nope": no such table; there are: t',
  );
  expect((await refusal([{}], insertTarget(id, "nope", { create: true }))).message).toBe(
    'insert into "nope": no such table, and a row without properties gives it no column',
  );
  expect((await refusal([{ id: 1, titel: 1 }], byId)).message).toBe(
    'upsert into "t": no column "titel"; there are: id, a, b, email',
  );
  db.run("CREATE TABLE g (id INTEGER PRIMARY KEY, double AS (id * 2))");
  expect((await refusal([{ id: 1, double: 1 }], insertTarget(id, "g"))).message).toContain(
    "is generated by the table",
  );
});

test("a key without a unique index: the error says what to create", async () => {
  const target = upsertTarget(id, "t", { key: ["a", "b"] });
  const { message } = await refusal([{ a: 1, b: 2 }], target);
  const create = /schema`: (?<sql>CREATE .*)$/.exec(message)?.groups?.["sql"] ?? "";
  expect(create).toBe('CREATE UNIQUE INDEX IF NOT EXISTS "t_a_b" ON "t" ("a", "b")');
  db.run(create);
  await put(
    [
      { a: 1, b: 2 },
      { a: 1, b: 2 },
    ],
    target,
  );
  expect(all()).toEqual([[1n, 1n, 2n]]);
});

test("a constraint error keeps SQLite's code and shows the row, wherever in a statement it is", async () => {
  for (const bad of [0, 1, 63, 64, 100, 149]) {
    db.run("DELETE FROM t");
    db.run("BEGIN");
    db.run("INSERT INTO t (id, email) VALUES (1000, 'taken')");
    const rows = Array.from({ length: 150 }, (_, i) => ({
      id: i,
      email: i === bad ? "taken" : `e${i}`,
    }));
    expect(await refusal(rows, byId)).toEqual({
      message: `upsert into "t": UNIQUE constraint failed: t.email, row { id: ${bad}, email: "taken" }`,
      code: "SQLITE_CONSTRAINT_UNIQUE",
    });
    db.run("ROLLBACK");
  }
});

test("where a refused statement keeps rows, no wrong row is shown", async () => {
  db.run("CREATE TABLE f (x UNIQUE ON CONFLICT FAIL)");
  db.run("BEGIN");
  const rows = Array.from({ length: 64 }, (_, i) => ({ x: i % 50 }));
  expect((await refusal(rows, insertTarget(id, "f"))).message).toBe(
    'insert into "f": UNIQUE constraint failed: f.x',
  );
  db.run("ROLLBACK");
});

test("after an error the caller can roll back to its savepoint and go on", async () => {
  db.run("BEGIN");
  await put([{ id: 1, a: "before" }], byId);
  db.run("SAVEPOINT unit");
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: i + 10, email: i === 199 ? 10 : i }));
  expect((await refusal(rows, insertTarget(id, "t"))).code).toBe("SQLITE_CONSTRAINT_UNIQUE");
  db.run("ROLLBACK TO unit; RELEASE unit");
  await put([{ id: 2, a: "after" }], byId);
  db.run("COMMIT");
  expect(all()).toEqual([
    [1n, "before", null],
    [2n, "after", null],
  ]);
});

test("statements survive a change of the table, and many shapes do not pile up", async () => {
  await put([{ id: 1, a: 1 }], byId);
  db.run("ALTER TABLE t ADD COLUMN later");
  await put(
    [
      { id: 2, a: 2, later: 3 },
      { id: 3, a: 3 },
    ],
    byId,
  );
  db.run(`CREATE TABLE wide (${Array.from({ length: 300 }, (_, i) => `c${i}`).join(", ")})`);
  for (let i = 0; i < 300; i++) await put([{ [`c${i}`]: i }], insertTarget(id, "wide"));
  const row = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, i]));
  await put(Array(20).fill(row), insertTarget(id, "wide"));
  expect(all("SELECT count(*) FROM wide")).toEqual([[320n]]);
});

test.each(["task_runs", "Pipeline_Runs", "task_logs", "PIPELOOM_SCHEMA"])(
  "%s is pipeloom's own, and takes no rows of a task",
  (table) => {
    db.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
    expect(put([{ id: 1 }], insertTarget(id, table))).rejects.toThrow(
      `insert into "${table}": in this table pipeloom records its runs; store rows in a table of another name`,
    );
    expect(all(`SELECT * FROM ${table}`)).toEqual([]);
  },
);

test("in a file without pipeloom's tables, a name is like any other", async () => {
  db.run("CREATE TABLE task_runs (id INTEGER PRIMARY KEY)");
  applier = new RowsApplier(db, false, unlocked);
  await put([{ id: 1 }], insertTarget(id, "task_runs"));
  expect(all("SELECT * FROM task_runs")).toEqual([[1n]]);
});
