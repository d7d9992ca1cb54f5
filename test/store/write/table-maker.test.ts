// `create: true`, from the rows of calls to the table: what the worker sends, applied as the writer does.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import * as fc from "fast-check";

import type { Row, UpsertOptions } from "../../../src/api/context.ts";
import { runId, taskId } from "../../../src/protocol/ids.ts";
import { encodeRows } from "../../../src/worker/row-batches.ts";
import { insertTarget, upsertTarget } from "../../../src/worker/target-table.ts";
import { Unit, UnitBudget } from "../../../src/worker/unit.ts";
import { CustomMessages } from "../../../src/store/write/custom-messages.ts";
import { UnitApplier } from "../../../src/store/write/unit-applier.ts";
import { unlocked } from "./options.ts";

let db: Database;
let applier: UnitApplier;

beforeEach(() => {
  db = new Database(":memory:", { safeIntegers: true });
  applier = new UnitApplier(
    db,
    { run: runId(1), pipeline: "p" },
    new CustomMessages(db, [], unlocked),
    unlocked,
  );
});

afterEach(() => {
  applier.close();
  db.close(true);
});

type Call = { readonly table?: string; readonly rows: readonly Row[] } & Partial<UpsertOptions>;

/** Sends the calls as one unit, and applies it. Returns why it was refused. */
function unitOf(...calls: readonly Call[]): string | undefined {
  const unit = new Unit(new UnitBudget());
  for (const call of calls) send(unit, call);
  return apply(unit);
}

function send(unit: Unit, { table = "t", rows, key, create = true, ...rest }: Call): void {
  const id = taskId(1);
  const target =
    key === undefined
      ? insertTarget(id, table, { create })
      : upsertTarget(id, table, { key, create, ...rest });
  const entry = unit.open(target.created);
  try {
    unit.close(
      entry,
      encodeRows(rows, target, (text, count) => unit.add(entry, text, count)),
    );
  } catch (thrown) {
    unit.drop(entry);
    throw thrown;
  }
}

function apply(unit: Unit): string | undefined {
  for (const text of unit.take()) applier.apply(text);
  const failure = applier.end();
  if (db.inTransaction) db.run("COMMIT");
  return failure?.message;
}

const schemaOf = (table = "t"): unknown =>
  db.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").values(table)[0]?.[0];
const columns = (table = "t"): string[] =>
  db
    .prepare("SELECT name || ' ' || type FROM pragma_table_info(?)")
    .values(table)
    .map(([column]) => String(column).trim());
const all = (sql = "SELECT * FROM t"): unknown[] => db.prepare(sql).values();

test("types are those of the values, and the key is the primary key", () => {
  const rows: Row[] = [
    {
      id: 1,
      n: 1,
      x: 1,
      s: "007",
      b: new Uint8Array([1]),
      flag: true,
      at: new Date(0),
      deep: { a: [1] },
      nothing: null,
      left: undefined,
    },
    { id: 2, n: 9007199254740993n, x: 1.5, s: "x", nothing: null },
  ];
  expect(unitOf({ rows, key: "id" })).toBeUndefined();
  expect(schemaOf()).toBe(
    'CREATE TABLE "t" ("id" INTEGER PRIMARY KEY, "n" INTEGER, "x" REAL, "s" TEXT, "b" BLOB, "flag" INTEGER, "at" TEXT, "deep" TEXT, "nothing")',
  );
  expect(all()).toEqual([
    [1n, 1n, 1, "007", new Uint8Array([1]), 1n, "1970-01-01T00:00:00.000Z", '{"a":[1]}', null],
    [2n, 9007199254740993n, 1.5, "x", null, null, null, null, null],
  ]);
});

test("a column of several kinds has no type, so each value stays as it is", () => {
  const mixed = [1, "1", 1.5, "1.50", " 7 ", "1e3", 2n ** 60n, 0.1 + 0.2, new Uint8Array([49])];
  expect(unitOf({ rows: mixed.map((v) => ({ v })) })).toBeUndefined();
  expect(columns()).toEqual(["v"]);
  expect(all("SELECT v FROM t").flat()).toEqual(mixed.map((v) => (v === 1 ? 1n : v)));
  // A double keeps no integer of 60 bits beside a fraction.
  unitOf({ table: "u", rows: [{ v: 2n ** 60n + 1n }, { v: 0.5 }] });
  expect(all("SELECT v FROM u").flat()).toEqual([2n ** 60n + 1n, 0.5]);
});

test("all rows of a unit decide, however they are spread over calls and batches", () => {
  const rows = Array.from({ length: 2500 }, (_, i) => ({ id: i, v: i < 2499 ? i : "007" }));
  unitOf({ rows, key: "id" });
  unitOf(...rows.map((row) => ({ table: "u", rows: [row], key: "id" })));
  expect(columns()).toEqual(["id INTEGER", "v"]);
  expect(columns("u")).toEqual(columns());
  expect(all("SELECT v FROM t WHERE id = 2499")).toEqual([["007"]]);
});

test("of a call that failed, nothing decides", () => {
  const unit = new Unit(new UnitBudget());
  expect(() => send(unit, { rows: [{ v: "x", extra: 1 }, { v: Number.NaN }] })).toThrow("NaN");
  send(unit, { rows: [{ v: 1 }] });
  expect(apply(unit)).toBeUndefined();
  expect(columns()).toEqual(["v INTEGER"]);
  expect(unitOf({ table: "none", rows: [] })).toBeUndefined();
  expect(schemaOf("none")).toBeUndefined();
});

test("a unit that was not committed decides with the next one", () => {
  const [first, next] = [new Unit(new UnitBudget()), new Unit(new UnitBudget())];
  send(first, { rows: [{ v: 1 }] });
  send(next, { rows: [{ v: "007" }], key: "v" });
  next.prepend(first);
  expect(first.take()).toEqual([]);
  expect(apply(next)).toBeUndefined();
  expect(schemaOf()).toBe('CREATE TABLE "t" ("v" PRIMARY KEY)');
  expect(all().flat()).toEqual([1n, "007"]);
});

test("a NULL is no key: SQLite would make a number of it", () => {
  const nullKey = {
    rows: [
      { id: 1, a: "x" },
      { id: null, a: "y" },
    ],
    key: "id",
  };
  expect(unitOf(nullKey)).toContain('"id" of rows[1] is NULL, and it is the key');
  expect(schemaOf()).toBeUndefined();
  unitOf({ rows: [{ id: 1, a: "x" }], key: "id" });
  expect(unitOf(nullKey)).toContain('"id" of rows[1] is NULL, and it is the key');
  expect(all()).toEqual([[1n, "x"]]);
});

test("later units add columns; those before have NULL in them", () => {
  unitOf({ rows: [{ id: 1 }], key: "id" });
  unitOf({ rows: [{ id: 2, 'odd "name" -- ;': 1.5, ID2: "x" }], key: "id" });
  unitOf({ rows: [{ id: 3, id2: "y" }], key: "id" });
  expect(columns()).toEqual(["id INTEGER", 'odd "name" -- ; REAL', "ID2 TEXT"]);
  expect(all()).toEqual([
    [1n, null, null],
    [2n, 1.5, "x"],
    [3n, null, "y"],
  ]);
});

test("keys of several columns, names of any kind, no key", () => {
  const name = `we"ird; DROP TABLE t --`;
  unitOf({ table: name, rows: [{ a: "x", b: 1, "": 2 }], key: ["a", "b"] });
  unitOf({ table: name.toUpperCase(), rows: [{ a: "x", b: 1, "": 3 }], key: ["a", "b"] });
  expect(all(`SELECT * FROM "${name.replaceAll('"', '""')}"`)).toEqual([["x", 1n, 3n]]);
  expect(schemaOf(name)).toEndWith('PRIMARY KEY ("a", "b"))');
  unitOf({ table: "log", rows: [{ line: "a" }] }, { table: "LOG", rows: [{ Line: "a" }] });
  expect(all("SELECT * FROM log")).toEqual([["a"], ["a"]]);
});

test.each([
  ["TEXT", 7, "store it as text"],
  ["TEXT", 1.5, "store it as text"],
  ["VARCHAR(10)", 7n, "store it as text"],
  ["INTEGER", "007", "store it as a number"],
  ["DATE", "2026", "store it as a number"],
  ["REAL", " 1.50", "store it as a number"],
  ["REAL", 2n ** 53n + 1n, "round it"],
])("a %s column would change %p: an error", (type, v, why) => {
  db.run(`CREATE TABLE t (v ${type}, w TEXT)`);
  const failure = unitOf({ rows: [{ w: "a" }, { v, more: 1 }] });
  expect(failure).toStartWith(`insert into "t": "v" of rows[1] is `);
  expect(failure).toContain(`the column is ${type}, which would ${why}; give all rows`);
  expect(columns()).toEqual([`v ${type}`, "w TEXT"]);
  expect(all()).toEqual([]);
});

test("a column stores what it does not change, and a STRICT one its ANY", () => {
  db.run("CREATE TABLE t (i INTEGER, r REAL, s TEXT, a ANY) STRICT");
  expect(unitOf({ rows: [{ i: 1n, r: 1, s: "1", a: "007", new: 1 }] })).toBeUndefined();
  expect(unitOf({ rows: [{ a: "1" }, { mixed: 1 }, { mixed: "x" }] })).toBeUndefined();
  expect(columns()).toEqual(["i INTEGER", "r REAL", "s TEXT", "a ANY", "new INTEGER", "mixed ANY"]);
  expect(all("SELECT a FROM t WHERE a IS NOT NULL").flat()).toEqual(["007", "1"]);
});

test("views, own tables and SQLite's own are refused, and say so", () => {
  db.run("CREATE VIEW v AS SELECT 1 AS a");
  expect(unitOf({ table: "v", rows: [{ b: 1 }] })).toBe(
    'insert into "v": there is no column "b", and none can be added to a view; it has: a',
  );
  expect(unitOf({ table: "Task_Runs", rows: [{ b: 1 }] })).toContain("choose another name");
  expect(unitOf({ table: "pipeloom_mine", rows: [{ b: 1 }] })).toContain("choose another name");
  expect(unitOf({ table: "sqlite_x", rows: [{ b: 1 }] })).toContain(
    'insert into "sqlite_x": object name reserved for internal use',
  );
  db.run("CREATE TABLE plain (a); CREATE INDEX i ON plain (a)");
  expect(unitOf({ table: "i", rows: [{ b: 1 }] })).toContain("there is already an index named i");
});

test("a key that an existing table has no index for, is an error as without `create`", () => {
  db.run("CREATE TABLE t (id, v)");
  expect(unitOf({ rows: [{ id: 1 }], key: "id" })).toContain("needs a PRIMARY KEY or UNIQUE index");
});

test("a unit that fails takes its table and its columns with it; the next unit makes them again", () => {
  const good = { rows: [{ id: 1, v: 1 }], key: "id" };
  const bad = { table: "u", rows: [{ no: 1 }], create: false };
  for (let round = 0; round < 3; round++) {
    expect(unitOf(good, bad)).toContain("no such table");
    expect(schemaOf()).toBeUndefined();
  }
  // Within a transaction that holds another unit, too: by a savepoint.
  db.run("BEGIN");
  db.run("CREATE TABLE other (a)");
  expect(unitOf(good, bad)).toContain("no such table");
  expect(schemaOf("other")).toBeDefined();
  expect(schemaOf()).toBeUndefined();
  expect(unitOf(good)).toBeUndefined();
  expect(unitOf({ ...good, rows: [{ id: 1, w: "x" }] }, bad)).toContain("no such table");
  expect(columns()).toEqual(["id INTEGER", "v INTEGER"]);
  expect(unitOf({ ...good, rows: [{ id: 1, w: 1.5 }] })).toBeUndefined();
  expect(all()).toEqual([[1n, 1n, 1.5]]);
});

const values = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }).map((x) => (x === 0 ? 0 : x)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string(),
  fc.constantFrom(
    "1",
    "007",
    "1e5",
    " 1",
    "1.50",
    "-0",
    "+1",
    ".5",
    "5.",
    "0x10",
    "1_0",
    "\t2\n",
    "",
  ),
  fc.constant(null),
  fc.uint8Array({ maxLength: 3 }),
);

/** What SQLite gives back for a value that it has stored unchanged. */
const same = (given: unknown, stored: unknown): boolean => {
  if (typeof given === "number" && typeof stored === "bigint") return BigInt(given) === stored;
  if (typeof given === "bigint" && typeof stored === "number") return BigInt(stored) === given;
  return Bun.deepEquals(given, stored);
};

test("whatever the values and the units: each is stored as it is, or its unit is refused", () => {
  const unit = fc.array(fc.array(values, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1, maxLength: 4 }), (units) => {
      db.run("DROP TABLE IF EXISTS t");
      const kept: unknown[] = [];
      for (const [index, calls] of units.entries()) {
        const failure = unitOf(...calls.map((cells) => ({ rows: cells.map((v) => ({ v })) })));
        if (index === 0) expect(failure).toBeUndefined();
        if (failure === undefined) kept.push(...calls.flat());
        else expect(failure).toContain("which would");
      }
      const stored = all("SELECT v FROM t ORDER BY rowid").flat();
      expect(stored.length).toBe(kept.length);
      for (const [i, value] of kept.entries()) {
        if (!same(value, stored[i]))
          throw new Error(`${String(value)} became ${String(stored[i])}`);
      }
    }),
    { numRuns: 300 },
  );
});
