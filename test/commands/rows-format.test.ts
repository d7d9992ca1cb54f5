import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { type RowFormat, rowWriter } from "../../src/commands/rows-format.ts";
import type { Row } from "../../src/store/read/reader.ts";
import { paletteOf } from "../../src/base/palette.ts";

function format(as: RowFormat, columns: readonly string[], rows: readonly Row[]): string {
  const writer = rowWriter({
    format: as,
    columns,
    width: Number.POSITIVE_INFINITY,
    colors: paletteOf(0),
  });
  return writer.begin() + rows.map((row) => writer.row(row)).join("") + writer.end();
}

const rows: readonly Row[] = [
  { a: 1, b: "one", c: null },
  { a: 9007199254740993n, b: 'say "hi", you', c: new Uint8Array([0, 255]) },
  { a: Number.NEGATIVE_INFINITY, b: "", c: 2.5 },
];
const columns = ["a", "b", "c"];

test("json", () => {
  expect(format("json", columns, rows)).toBe(
    '[\n{"a":1,"b":"one","c":null},\n' +
      '{"a":9007199254740993,"b":"say \\"hi\\", you","c":"AP8="},\n' +
      '{"a":-1e999,"b":"","c":2.5}\n]\n',
  );
  expect(format("json", columns, [])).toBe("[]\n");
});

test("jsonl", () => {
  expect(format("jsonl", columns, rows.slice(0, 1))).toBe('{"a":1,"b":"one","c":null}\n');
  expect(format("jsonl", columns, [])).toBe("");
});

test("csv", () => {
  expect(format("csv", columns, rows)).toBe(
    'a,b,c\n1,one,\n9007199254740993,"say ""hi"", you",AP8=\n-Infinity,"",2.5\n',
  );
  expect(format("csv", ["a,b"], [{ "a,b": null }, { "a,b": " x" }])).toBe('"a,b"\n""\n" x"\n');
});

test("table", () => {
  expect(format("table", columns, rows.slice(0, 2))).toBe(
    [
      "               a  b              c",
      "               1  one            NULL",
      "9007199254740993  say \"hi\", you  x'00ff'",
      "",
    ].join("\n"),
  );
  expect(format("table", columns, [])).toBe("a  b  c\n");
});

describe("any number of rows", () => {
  test.each([0, 1, 499, 500, 501, 1000, 1234])("a table of %p has its titles once", (count) => {
    const many = Array.from({ length: count }, (_, a) => ({ a }));
    const lines = format("table", ["a"], many).trimEnd().split("\n");
    expect(lines).toHaveLength(count + 1);
    expect(lines.filter((line) => line.trim() === "a")).toHaveLength(1);
  });
});

test("what JSON says is read back as it was", () => {
  const value = fc.oneof(
    fc.string(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.constant(null),
  );
  const table = fc.array(fc.record({ a: value, 'b"': value }));
  fc.assert(
    fc.property(table, (data) => {
      const names = ["a", 'b"'];
      const expected = JSON.parse(JSON.stringify(data, infinities), revive) as unknown;
      expect(JSON.parse(format("json", names, data))).toEqual(expected);
      const lines = format("jsonl", names, data).split("\n").slice(0, -1);
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(expected as unknown[]);
    }),
  );
});

const infinities = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? { infinity: Math.sign(value) } : value;

const revive = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "infinity" in value
    ? Number(value.infinity) * Number.POSITIVE_INFINITY
    : value;
