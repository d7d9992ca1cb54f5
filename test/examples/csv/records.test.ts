import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isAscii } from "node:buffer";
import { type Dialect, RecordReader } from "../../../src/examples/csv/records.ts";

const comma: Dialect = { separator: ",", newline: "\n" };

type Read = { rows: string[][]; lines: number[]; bad: string[]; end: number; line: number };

/** Reads a block. It ends with a newline, as blocks do: one is added. */
function read(
  text: string,
  {
    dialect = comma,
    width = null,
    isLast = true,
    line = 1,
  }: {
    dialect?: Dialect;
    width?: number | null;
    isLast?: boolean;
    line?: number;
  } = {},
): Read {
  const bytes = Buffer.from(text.endsWith(dialect.newline) ? text : text + dialect.newline);
  const reader = new RecordReader(dialect, width, line);
  const rows: string[][] = [];
  const lines: number[] = [];
  const bad: string[] = [];
  reader.open({ bytes, isAscii: isAscii(bytes), isLast });
  while (reader.next()) {
    if (reader.why !== null) {
      bad.push(`${reader.line}: ${reader.why}`);
      continue;
    }
    rows.push(Array.from({ length: reader.fields.count }, (_, i) => reader.text(i)));
    lines.push(reader.line);
  }
  return { rows, lines, bad, end: reader.end, line: reader.nextLine };
}

test("plain fields, with and without a newline at the end", () => {
  expect(read("a,b\n1,2\n").rows).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  expect(read("a,b\n1,2").rows).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  expect(read("").rows).toEqual([]);
});

test("empty fields, also the last one of the text", () => {
  expect(read(",\n,,\na,").rows).toEqual([
    ["", ""],
    ["", "", ""],
    ["a", ""],
  ]);
});

test("quotes: separators, doubled quotes and line breaks within them", () => {
  const text = '"a,b","say ""hi""","two\nlines"\n"","x"y,z"\n';
  expect(read(text).rows).toEqual([
    ["a,b", 'say "hi"', "two\nlines"],
    ["", 'x"y,z'],
  ]);
  expect(read('a"b,"c"\n').rows).toEqual([['a"b', "c"]]);
});

test("CRLF ends lines, behind quotes too; a CR elsewhere is data", () => {
  expect(read('a,b\r\n"c","d"\r\n"x\r\ny",z\r\ne\rf,g').rows).toEqual([
    ["a", "b"],
    ["c", "d"],
    ["x\r\ny", "z"],
    ["e\rf", "g"],
  ]);
  expect(read("a,\r\nb,c\r").rows).toEqual([
    ["a", ""],
    ["b", "c"],
  ]);
});

test("old Mac line breaks, other separators", () => {
  expect(read("a;b\r1;2\r", { dialect: { separator: ";", newline: "\r" } }).rows).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  expect(read("a\tb,c\n", { dialect: { separator: "\t", newline: "\n" } }).rows).toEqual([
    ["a", "b,c"],
  ]);
  // Of two bytes; the first of them also begins other characters.
  expect(read('a§"b§c"§Â£\n"d"§\n', { dialect: { separator: "§", newline: "\n" } }).rows).toEqual([
    ["a", "b§c", "Â£"],
    ["d", ""],
  ]);
});

test("blank lines are passed over, unless a row is one field wide", () => {
  expect(read("a,b\n\n1,2\n\r\n\n", { width: 2 }).rows).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  expect(read("a\n\n1\n", { width: 1 }).rows).toEqual([["a"], [""], ["1"]]);
});

test("ragged rows are bad, by the line they begin on", () => {
  const text = 'a,b\n"x\ny",2\n1\n1,2,3\n5,6\n"never closed,1\n';
  expect(read(text, { width: 2 })).toMatchObject({
    rows: [
      ["a", "b"],
      ["x\ny", "2"],
      ["5", "6"],
    ],
    lines: [1, 2, 6],
    bad: ["4: 1 fields, not 2", "5: 3 fields, not 2", "7: a quoted field does not end"],
  });
});

test("a record that is not all there is left for the next block", () => {
  const text = 'a,b\n"x\ny",2\n"open\n';
  expect(read(text, { isLast: false })).toMatchObject({
    rows: [
      ["a", "b"],
      ["x\ny", "2"],
    ],
    end: 12,
    line: 4,
  });
});

test("very wide rows", () => {
  const fields = Array.from({ length: 1000 }, (_, i) => `f${i}`);
  expect(read(`${fields.join(",")}\n`).rows).toEqual([fields]);
});

const field = fc.string({
  unit: fc.constantFrom("a", "1", ",", '"', "\n", "\r", ";", " ", "é", "→"),
  maxLength: 6,
});
const table = fc.integer({ min: 2, max: 5 }).chain((width) =>
  fc.array(fc.array(field, { minLength: width, maxLength: width }), {
    minLength: 1,
    maxLength: 8,
  }),
);

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const needsQuotes = /[",\n\r]/;

test("property: what is written by the rules is read back, whole or in blocks", () => {
  fc.assert(
    fc.property(
      table,
      fc.boolean(),
      fc.constantFrom("\n", "\r\n"),
      fc.nat(),
      (rows, all, newline, cut) => {
        const lines = rows.map((row) =>
          row.map((value) => (all || needsQuotes.test(value) ? quoted(value) : value)).join(","),
        );
        const text = lines.join(newline) + newline;
        expect(read(text).rows).toEqual(rows);

        const lineEnd = text.indexOf("\n", cut % text.length) + 1;
        const first = read(text.slice(0, lineEnd), { isLast: false });
        const rest = read(Buffer.from(text).subarray(first.end).toString(), { line: first.line });
        expect([...first.rows, ...rest.rows]).toEqual(rows);
        expect([...first.lines, ...rest.lines]).toEqual(read(text).lines);
      },
    ),
    { numRuns: 300 },
  );
});
