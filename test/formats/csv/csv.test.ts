// `csv(path, options)` as a task calls it, compared with csv-parse and uDSV.

import { parse } from "csv-parse/sync";
import { describe, expect, spyOn, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { inferSchema, initParser } from "udsv";

import { csv, type CsvBadRow, type CsvOptions, type CsvRow } from "../../../src/index.ts";
import { tempFolder } from "../../support/temp-folder.ts";

async function read(content: string | Uint8Array, options?: CsvOptions): Promise<CsvRow[]> {
  using folder = tempFolder();
  const path = `${folder.path}/data.csv`;
  writeFileSync(path, content);
  // The folder must exist until all rows are read.
  return await Array.fromAsync(csv(path, options));
}

test("numbers where that changes nothing, text elsewhere, bigint beyond 2^53", async () => {
  const text = "id,zip,price,name,huge\n1,01234,1.5,Ada,9007199254740993\n2,99999,,,1\n";
  expect(await read(text)).toEqual([
    { id: 1, zip: "01234", price: 1.5, name: "Ada", huge: 9007199254740993n },
    { id: 2, zip: "99999", price: null, name: "", huge: 1 },
  ]);
});

test("cells as text, and empty ones as null", async () => {
  const rows = await read("id;name\n1;\n", { types: "text", empty: "null" });
  expect(rows).toEqual([{ id: "1", name: null }]);
});

test("compressed, empty, and without a row", async () => {
  expect(await read(gzipSync("a,b\n1,x\n"))).toEqual([{ a: 1, b: "x" }]);
  expect(await read("")).toEqual([]);
  expect(await read("a,b\n")).toEqual([]);
});

describe("a row that cannot be read", () => {
  const text = 'a,b\n1,x\n2\n3,"y" z\n4,w\n';

  test("is an error that names the row and the option", () => {
    expect(read(text)).rejects.toThrow(
      /data\.csv, line 3: 1 field, not 2 \(the option onBadRow skips such rows and counts them\)$/,
    );
  });

  test("is skipped and passed to onBadRow", async () => {
    const bad: CsvBadRow[] = [];
    const rows = await read(text, { onBadRow: (row) => bad.push(row) });
    expect(rows.map(({ a }) => a)).toEqual([1, 4]);
    expect(bad).toEqual([
      { line: 3, lines: 1, why: "1 field, not 2" },
      { line: 4, lines: 1, why: "text after the closing quote of a field" },
    ]);
  });
});

test("guesses are reported", async () => {
  using warn = spyOn(console, "warn").mockImplementation(() => {});
  expect(await read(Buffer.from("a,b\n1,é\n", "latin1"))).toEqual([{ a: 1, b: "é" }]);
  expect(warn.mock.calls).toEqual([
    [expect.stringContaining("it is read as latin1; the option encoding sets another encoding")],
  ]);
});

test("a missing file is an error before the first row", () => {
  expect(Array.fromAsync(csv("/nowhere/data.csv"))).rejects.toThrow("/nowhere/data.csv");
});

const field = fc.string({
  unit: fc.constantFrom("a", "1", " ", ",", '"', "\n", "\r\n", "é", "😀"),
});
const table = fc.integer({ min: 2, max: 5 }).chain((width) =>
  fc.array(fc.array(field, { minLength: width, maxLength: width }), {
    minLength: 1,
    maxLength: 8,
  }),
);

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

test("property: the same rows as csv-parse and uDSV", async () => {
  // Quoted fields that look like rows give a warning.
  using warn = spyOn(console, "warn").mockImplementation(() => {});
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const header = Array.from({ length: rows[0]?.length ?? 0 }, (_, i) => `c${i}`);
      const text = [header, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
      const ours = (await read(text, { types: "text" })).map((row) => Object.values(row));
      expect(ours).toEqual(rows);
      expect(parse(text, { from: 2 })).toEqual(rows);
      const schema = inferSchema(text, { col: ",", row: "\n" });
      const theirs: unknown = initParser(schema).stringArrs(text);
      expect(theirs).toEqual(rows);
    }),
  );
  expect(
    warn.mock.calls.every(([text]) => String(text).includes("a quoted field spans")),
  ).toBeTrue();
});
