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

test("a number is whole and says what it is, in each format", () => {
  const names = ["large", "huge", "small", "beyond", "half", "int", "none", "empty"];
  const [large, huge, small, beyond] = [1e300, 1e21, 0.1, 9007199254740993n];
  const row = { large, huge, small, beyond, half: -1.5e18, int: 42, none: null, empty: "" };
  const all = [row];
  expect(format("csv", names, all).split("\n")[1]).toBe(
    '1e300,1e21,0.1,9007199254740993,-1.5e18,42,,""',
  );
  expect(format("jsonl", names, all)).toBe(
    '{"large":1e300,"huge":1e21,"small":0.1,"beyond":9007199254740993,"half":-1.5e18,"int":42,"none":null,"empty":""}\n',
  );
  expect(format("table", names, all).split("\n")[1]?.trim().split(/ +/)).toEqual(
    "1e300 1e21 0.1 9007199254740993 -1.5e18 42 NULL".split(" "),
  );
});

/** The lines of a table on a terminal of `room` columns. */
function narrow(names: readonly string[], all: readonly Row[], room: number): string[] {
  const writer = rowWriter({ format: "table", columns: names, width: room, colors: paletteOf(0) });
  const text = writer.begin() + all.map((row) => writer.row(row)).join("") + writer.end();
  return text.trimEnd().split("\n");
}

describe("a terminal with too little room", () => {
  test("cuts text, and leaves out the last columns rather than cut a number", () => {
    const one = { id: 9007199254740993n, name: "a-very-long-name", n: 123456789, at: 1234567890 };
    expect(narrow(Object.keys(one), [one], 40)).toEqual([
      "              id  name                 n",
      "9007199254740993  a-very-lon…  123456789",
      "1 column left out for lack of room: at;",
      "with --format json there are all",
    ]);
    expect(narrow(Object.keys(one), [one], 60)).toEqual([
      "              id  name                      n          at",
      "9007199254740993  a-very-long-name  123456789  1234567890",
    ]);
  });

  test("keeps a number whole that is wider than the terminal, or stands in a column of text", () => {
    const big = 1234567890123456789n;
    expect(narrow(["n", "x"], [{ n: big, x: 1 }], 10).slice(0, 2)).toEqual([
      "                  n",
      String(big),
    ]);
    const mixed = [{ v: "some text that is longer" }, { v: big }];
    expect(narrow(["v"], mixed, 20)).toEqual(["v", "some text that is l…", String(big)]);
  });

  test("a later page that leaves out others says its titles again", () => {
    const short = Array.from({ length: 500 }, () => ({ a: 1, b: 2 }));
    const lines = narrow(["a", "b"], [...short, { a: 123456789012, b: 2 }], 12);
    expect(lines.slice(500)).toEqual([
      "1  2",
      "           a",
      "123456789012",
      "1 column",
      "left out for",
      "lack of",
      "room: b;",
      "with",
      "--format",
      "json there",
      "are all",
    ]);
  });
});

test("NULL is told from the empty text, and on a terminal from the text NULL", () => {
  const writer = rowWriter({ format: "table", columns: ["v"], width: 80, colors: paletteOf(1) });
  const lines = [{ v: null }, { v: "" }, { v: "NULL" }].map((row) => writer.row(row));
  expect((lines.join("") + writer.end()).split("\n").slice(1)).toEqual([
    "\x1b[2mNULL\x1b[22m",
    "",
    "NULL",
    "",
  ]);
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
