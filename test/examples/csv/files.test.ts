import { afterEach, beforeEach, expect, test } from "bun:test";
import * as fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columnNames, detectDialect, separatorOf } from "../../../src/examples/csv/dialect.ts";
import { type Inspection, inspectCsv } from "../../../src/examples/csv/inspect.ts";
import { mergeColumns, parseTypes } from "../../../src/examples/csv/plan.ts";
import {
  csvRows,
  type CsvBatch,
  type CsvSource,
  type Position,
} from "../../../src/examples/csv/rows.ts";
import { createTableSql } from "../../../src/examples/table.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-csv-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, "file.csv");
  writeFileSync(path, content);
  return path;
}

const auto = { separator: null, encoding: null, skipBadRows: false };
const skip = { ...auto, skipBadRows: true };

const sourceOf = (inspection: Inspection, key: readonly string[] = []): CsvSource => ({
  ...inspection,
  key,
  emptyIsNull: false,
});

const batches = (inspection: Inspection, from: Position | null = null): CsvBatch[] =>
  Array.from(csvRows(sourceOf(inspection), from));

const rowsOf = (inspection: Inspection): unknown[] =>
  batches(inspection).flatMap(({ rows }) => rows.map((row) => Object.values(row)));

const utf16 = (text: string, order: "le" | "be", bom: boolean): Buffer => {
  const bytes = Buffer.from(`${bom ? "\ufeff" : ""}${text}`, "utf16le");
  return order === "le" ? bytes : bytes.swap16();
};

const text = "id,name\n1,Zoë\n2,“quoted”\n";
const expected = [
  [1, "Zoë"],
  [2, "“quoted”"],
];
const cp1252 = Buffer.from(text.replace("“", "\u0093").replace("”", "\u0094"), "latin1");

test.each([
  ["UTF-8", Buffer.from(text), "utf-8"],
  ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${text}`), "utf-8"],
  ["Windows-1252, because it is not UTF-8", cp1252, "latin1"],
  ["UTF-16 LE with a byte order mark", utf16(text, "le", true), "utf-16le"],
  ["UTF-16 BE with a byte order mark", utf16(text, "be", true), "utf-16be"],
  ["UTF-16 LE without one", utf16(text, "le", false), "utf-16le"],
  ["UTF-16 BE without one", utf16(text, "be", false), "utf-16be"],
] as const)("%s", async (_, bytes, encoding) => {
  const inspection = await inspectCsv(file(bytes), auto);
  expect(inspection.encoding).toBe(encoding);
  expect(inspection.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    "id INTEGER",
    "name TEXT",
  ]);
  expect(rowsOf(inspection)).toEqual(expected);
});

test("a header that is longer than most beginnings of files", async () => {
  const names = Array.from(
    { length: 1900 },
    (_, i) => `a long name of a column ${"x".repeat(40)} ${i}`,
  );
  const inspection = await inspectCsv(file(`${names.join(",")}\n${names.join(",")}\n`), auto);
  expect(inspection.columns.map(({ name }) => name)).toEqual(names);
  expect(inspection.rows).toBe(1);
});

test("blank lines before the header, as many as there are", async () => {
  const inspection = await inspectCsv(file(`${"\n".repeat(60_000)}a,b\n1,2\n`), auto);
  expect(inspection.columns.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("an encoding that was named and is wrong is an error", async () => {
  const path = file(cp1252);
  expect(await failure(inspectCsv(path, { ...auto, encoding: "utf-8" }))).toContain("not utf-8");
});

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  return "no failure";
}

test("types that lose nothing, over the whole file", async () => {
  const long = Array.from({ length: 50_000 }, (_, i) => `${i},${i},${i}.5,${i % 7},x,`);
  const path = file(`a,zip,price,n,t,none\n${long.join("\n")}\n50000,01234,7,,"9",\n`);
  const { columns, rows } = await inspectCsv(path, auto);
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    "a INTEGER",
    "zip TEXT",
    "price REAL",
    "n INTEGER",
    "t TEXT",
    "none TEXT",
  ]);
  expect(rows).toBe(50_001);
});

test("a header only, an empty file, only a byte order mark", async () => {
  const header = await inspectCsv(file("a,b\n"), auto);
  expect([header.columns.length, header.rows, rowsOf(header)]).toEqual([2, 0, []]);
  for (const content of ["", "\ufeff", "\n\n"]) {
    const empty = await inspectCsv(file(content), auto);
    expect([empty.columns, empty.rows, rowsOf(empty)]).toEqual([[], 0, []]);
  }
});

test("a bad row is an error with file and line, or is counted", async () => {
  const path = file('id,b\n1,"x\ny"\n2\n3,z\n4,5,6\n');
  expect(await failure(inspectCsv(path, auto))).toContain(`${path}, line 4: 1 fields, not 2`);
  const inspection = await inspectCsv(path, skip);
  expect([inspection.rows, inspection.badRows]).toEqual([2, 2]);
  const [batch] = batches(inspection);
  expect(batch?.bad.map(({ line }) => line)).toEqual([4, 6]);
  expect(batch?.position).toMatchObject({ rows: 2, badRows: 2, line: 7 });
});

test("a row without its key is bad", async () => {
  const inspection = await inspectCsv(file("id,b\n1,x\n,y\n"), auto);
  const [batch] = csvRows(sourceOf(inspection, ["id"]), null);
  expect(batch?.bad).toEqual([{ line: 3, why: "the key column id is empty" }]);
});

test("a record longer than a block, and one cut by every block's end", async () => {
  const huge = "y\n".repeat(1_500_000);
  const inspection = await inspectCsv(file(`id,t\n1,"${huge}"\n2,z\n`), auto);
  expect(rowsOf(inspection)).toEqual([
    [1, huge],
    [2, "z"],
  ]);
});

const line = (i: number): string =>
  `${i},"né${i % 3 === 0 ? "\n" : ""}${"x".repeat(i % 50)}",${i * 1.5}`;

test.each(["utf-8", "utf-16le", "latin1"] as const)(
  "property: from any position on, the rest of the rows (%s)",
  async (encoding) => {
    const content = `id,name,score\n${Array.from({ length: 60_000 }, (_, i) => line(i)).join("\n")}\n`;
    const bytes =
      encoding === "utf-16le" ? utf16(content, "le", true) : Buffer.from(content, encoding);
    const inspection = await inspectCsv(file(bytes), auto);
    expect(inspection.encoding).toBe(encoding);
    const all = batches(inspection);
    expect(all.length).toBeGreaterThan(2);
    const rows = all.flatMap((batch) => batch.rows);
    expect(rows.length).toBe(60_000);
    expect(all.at(-1)?.position.offset).toBe(bytes.length);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: all.length - 1 }), async (index) => {
        const from = all[index]?.position ?? null;
        const rest = batches(inspection, from);
        expect(rest.flatMap((batch) => batch.rows)).toEqual(rows.slice(from?.rows));
        if (rest.length > 0)
          expect(rest.at(-1)?.position).toEqual(all.at(-1)?.position as Position);
      }),
      { numRuns: 5 },
    );
  },
);

const found = (head: string): string => detectDialect(head, null).separator;

test("separators are found, or named", () => {
  expect(found("a;b;c\n1,5;2;3\n")).toBe(";");
  expect(found("a\tb\n")).toBe("\t");
  expect(found('"a|b"|c|d\n')).toBe("|");
  expect(found('"a;b;c",d\n')).toBe(",");
  expect(found("single\n")).toBe(",");
  expect(detectDialect("a;b\r1;2\r", null)).toEqual({ separator: ";", newline: "\r" });
  expect([separatorOf("tab"), separatorOf("\\t"), separatorOf("^")]).toEqual(["\t", "\t", "^"]);
  expect(() => separatorOf("ab")).toThrow("must be one character");
  expect(() => separatorOf('"')).toThrow("must be one character");
});

test("column names are made unique, and never empty", () => {
  expect(columnNames(["a", "", " A ", "a_2", "__proto__"])).toEqual([
    "a",
    "column_2",
    "A_2",
    "a_2_2",
    "__proto___2",
  ]);
});

const inspected = (columns: Record<string, "INTEGER" | "REAL" | "TEXT" | null>): Inspection => ({
  path: "x.csv",
  encoding: "utf-8",
  dialect: { separator: ",", newline: "\n" },
  columns: Object.entries(columns).map(([name, type]) => ({
    name,
    type: type ?? "TEXT",
    isEmpty: type === null,
  })),
  start: 0,
  bytes: 1,
  rows: 1,
  badRows: 0,
});

test("columns of all files together, wide enough for each", () => {
  const files = [
    inspected({ id: "INTEGER", a: "INTEGER", b: null }),
    inspected({ id: "INTEGER", a: "REAL", b: "INTEGER", c: null, d: "TEXT" }),
  ];
  const merged = (types: string): string[] =>
    mergeColumns(files, parseTypes(types)).map(({ name, type }) => `${name} ${type}`);
  expect(merged("")).toEqual(["id INTEGER", "a REAL", "b INTEGER", "c TEXT", "d TEXT"]);
  expect(merged("a=text, id = int")).toEqual([
    "id INTEGER",
    "a TEXT",
    "b INTEGER",
    "c TEXT",
    "d TEXT",
  ]);
  expect(merged("text,id=integer")[0]).toBe("id INTEGER");
  expect(() => merged("nope=text")).toThrow(
    'no file has a column "nope"; there are: id, a, b, c, d',
  );
  expect(() => merged("a=blob")).toThrow("must be column=type");
});

test("the table's statement", () => {
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
