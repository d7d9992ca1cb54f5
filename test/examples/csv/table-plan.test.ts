import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { Inspection } from "../../../src/formats/csv/inspect.ts";
import {
  numberColumns,
  parseTypes,
  type Plan,
  planTable,
} from "../../../src/examples/csv/table-plan.ts";
import { makeTable, type TableColumn } from "../../../src/examples/csv/table-columns.ts";
import { kinds } from "../../../src/formats/csv/types.ts";
import { affinityOf } from "../../../src/base/affinity.ts";
import { createTableSql } from "../../../src/examples/example-table.ts";

const { integer, bigInteger, real, loose, huge, text, empty } = kinds;

const inspected = (
  path: string,
  columns: Record<string, number>,
  isComplete = true,
): Inspection => ({
  path,
  encoding: "utf-8",
  dialect: { separator: ",", newline: "\n", quote: "double" },
  columns: Object.entries(columns).map(([name, seen]) => ({
    name,
    kinds: seen,
    isComplete,
    examples: Object.fromEntries(
      Object.values(kinds)
        .filter((kind) => (seen & kind) !== 0)
        .map((kind) => [kind, { field: `kind ${kind}`, line: 7 }]),
    ),
  })),
  start: 0,
  firstLine: 1,
  contents: { stamp: { size: 1, modifiedNs: "1", inode: "1" }, bytes: 1, crc: 1 },
  rows: 1,
  badRows: 0,
  notes: [],
});

type Given = { types?: string; key?: readonly string[]; existing?: readonly TableColumn[] };

const plan = (
  files: readonly Inspection[],
  { types = "", key = [], existing = [] }: Given = {},
): Plan => planTable(files, { table: "t", existing, key, types: parseTypes(types) });

const described = (made: Plan): string[] =>
  Array.from(made.columns.values(), ({ name, type, as }) => `${name} ${type} ${as}`);

test("the merged columns keep every field of every file", () => {
  const files = [
    inspected("a.csv", { id: integer, a: integer, b: empty, big: bigInteger }),
    inspected("b.csv", { id: integer, a: real, b: integer, c: empty, d: text, big: real }),
  ];
  expect(described(plan(files))).toEqual([
    "id INTEGER number",
    "a REAL number",
    "b INTEGER number",
    "big TEXT text",
    "c TEXT text",
    "d TEXT text",
  ]);
  expect(described(plan(files, { types: "A=text, id = int" })).slice(0, 2)).toEqual([
    "id INTEGER loose number",
    "a TEXT text",
  ]);
  expect(described(plan(files, { types: "text,id=integer" }))[3]).toBe("big TEXT text");
  expect(() => plan(files, { types: "nope=text" })).toThrow(
    'no file has a column "nope"; there are: id, a, b, big, c, d',
  );
  expect(() => plan(files, { types: "a=blob" })).toThrow("must be column=type");
});

test("a key is not REAL: 1 and 1.0 are two keys", () => {
  expect(described(plan([inspected("a.csv", { k: real })], { key: ["K"] }))).toEqual([
    "k TEXT text",
  ]);
});

test("titles that differ only in case are one column, with the table's name", () => {
  const files = [
    inspected("a.csv", { ID: integer, Φ: integer }),
    inspected("b.csv", { id: real, φ: text }),
  ];
  expect(described(plan(files))).toEqual(["ID REAL number", "Φ INTEGER number", "φ TEXT text"]);
  const existing = ["Id", "Φ", "φ"].map((name) => column(name, "TEXT"));
  expect(plan(files, { existing }).column("ID").name).toBe("Id");
});

test("a file without a common column is refused", () => {
  const files = [
    inspected("a.csv", { id: integer }),
    inspected("about.txt", { "About this": text }),
  ];
  expect(() => plan(files)).toThrow("a.csv, about.txt: no column in common with the other files");
});

function column(name: string, declared: string, stored: TableColumn["stored"] = null): TableColumn {
  const affinity = affinityOf(declared);
  const known = affinity === "NUMERIC" ? "REAL" : affinity === "BLOB" ? stored : affinity;
  return { name, declared, affinity, isStrict: false, stored: known };
}

/** The plan for a column `v` of these kinds in a table with this declared type. */
function fate(seen: number, declared: string, given: Given & { isKey?: boolean } = {}): string {
  try {
    const key = given.isKey === true ? ["v"] : [];
    const made = plan([inspected("a.csv", { v: seen })], {
      existing: [column("v", declared)],
      key,
      ...given,
    });
    return [made.column("v").as, ...made.notes.map(({ level }) => level)].join(" ");
  } catch (error) {
    return String(error);
  }
}

test("a field that the table would change is refused, with its place and a remedy", () => {
  expect(fate(integer | loose, "INTEGER")).toBe(
    'Error: "kind 8" (a.csv, line 7) would be changed by the column "v", which is INTEGER in the table: load into another --table with --types v=text; --types v=integer stores it as a number',
  );
  for (const declared of ["INTEGER", "REAL", "DECIMAL(10,2)"]) {
    expect(fate(loose, declared)).toContain("would be changed");
    expect(fate(huge, declared)).toContain("would be changed");
  }
  expect(fate(loose, "DECIMAL(10,2)")).toContain("--types v=real stores it as a number");
  expect(fate(loose, "DECIMAL(10,2)", { types: "v=real" })).toBe("loose number");
  expect(fate(bigInteger, "REAL")).toContain("would be changed");
  expect(fate(bigInteger, "REAL", { types: "v=real" })).toContain("would be changed");
  expect(fate(real, "INTEGER", { isKey: true })).toContain("would be changed");
});

test("a field that the table keeps is loaded in the column's type", () => {
  expect(fate(integer | loose | huge | text, "VARCHAR(20)")).toBe("text");
  expect(fate(bigInteger, "BIGINT")).toBe("number");
  expect(fate(integer | real, "INTEGER")).toBe("number");
  expect(fate(integer | real, "DOUBLE")).toBe("number");
  expect(fate(text, "DATE")).toBe("number");
  expect(fate(integer | text, "INTEGER")).toBe("number warn");
  expect(fate(loose | integer, "")).toBe("text");
  const existing = [column("v", "", "INTEGER")];
  expect(fate(loose | integer, "", { existing })).toBe("number");
  expect(fate(integer, "", { existing: [column("v", "", "TEXT")] })).toBe("text");
});

test("--types always applies", () => {
  expect(fate(loose, "INTEGER", { types: "v=integer" })).toBe("loose number");
  expect(fate(integer, "INTEGER", { types: "v=text" })).toContain(
    '--types says text for "v", but in the table "t" it is INTEGER',
  );
  expect(fate(integer, "TEXT", { types: "v=integer" })).toContain("--types says integer");
  expect(fate(integer, "REAL", { types: "v=integer" })).toContain("--types says integer");
  const files = [inspected("a.csv", { v: huge })];
  expect(() => plan(files, { types: "v=integer" })).toThrow("as --types says; omit it");
});

test("a column that was not inspected completely is an error", () => {
  const files = [inspected("a.csv", { v: text }, false)];
  expect(() => plan(files, { existing: [column("v", "INTEGER")] })).toThrow(
    "was added to the table while the files were inspected",
  );
});

test("columns of numbers that are kept as text are reported", () => {
  const { notes } = plan([inspected("a.csv", { zip: integer | loose, name: text | loose })]);
  expect(notes).toEqual([
    {
      level: "info",
      text: 'kept as text, because a number would print differently: zip, "kind 8" (a.csv, line 7); to store numbers: --types zip=real',
    },
  ]);
});

test("a missing column of the table is an error that lists its columns", () => {
  const files = [inspected("a.csv", { id: integer, extra: text })];
  expect(() => plan(files, { existing: [column("id", "INTEGER")] })).toThrow(
    'the table "t" has no column "extra"; it has: id',
  );
});

test("every field is inspected where a numeric column would change some", () => {
  const existing = [column("a", "INT"), column("b", "TEXT"), column("c", "")];
  expect(numberColumns(existing, parseTypes("d=real,e=text"))).toEqual(["a", "d"]);
  expect(numberColumns([], parseTypes("real"))).toBe("all");
  expect(numberColumns([], parseTypes("text"))).toEqual([]);
});

test("the CREATE TABLE statement", () => {
  const columns = [
    { name: "id", type: "INTEGER" },
    { name: 'we"ird', type: "TEXT" },
  ] as const;
  expect(createTableSql("t", columns, ["id"])).toBe(
    'CREATE TABLE IF NOT EXISTS "t" ("id" INTEGER PRIMARY KEY, "we""ird" TEXT)',
  );
  expect(createTableSql("t", columns, ["id", 'we"ird'])).toContain('PRIMARY KEY ("id", "we""ird")');
  expect(createTableSql("t", columns, [])).not.toContain("PRIMARY KEY");
});

test("a table that another program created after the inspection is refused", () => {
  using db = new Database(":memory:");
  const messageDb = {
    run: (sql: string) => db.run(sql),
    all: <Row>(sql: string, ...params: (string | number)[]) =>
      db.prepare<Row, (string | number)[]>(sql).all(...params),
    get: () => null,
  };
  const planned = { table: "t", columns: [{ name: "zip", type: "TEXT" }], key: [] } as const;
  db.run("CREATE TABLE t (zip INTEGER)");
  expect(() => makeTable.apply(messageDb, { ...planned, expected: [] })).toThrow("run this again");
  makeTable.apply(messageDb, { ...planned, expected: [{ name: "zip", type: "INTEGER" }] });
  db.run("DROP TABLE t");
  makeTable.apply(messageDb, { ...planned, expected: [] });
  makeTable.apply(messageDb, { ...planned, expected: [] });
  expect(db.query("SELECT type FROM pragma_table_info('t')").values()).toEqual([["TEXT"]]);
});
