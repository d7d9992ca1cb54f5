import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isAscii, isUtf8 } from "node:buffer";
import { type Dialect, RecordReader } from "../../../src/formats/csv/records.ts";

const comma: Dialect = { separator: ",", newline: "\n", quote: "double" };

type Read = { rows: string[][]; lines: number[]; bad: string[]; end: number; line: number };

/** Reads a block; adds the newline that a block must end with. */
function read(
  text: string | Uint8Array,
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
  const given = Buffer.from(text as string);
  const newline = Buffer.from(dialect.newline);
  const bytes = given.at(-1) === newline[0] ? given : Buffer.concat([given, newline]);
  const reader = new RecordReader(dialect, width, line);
  const rows: string[][] = [];
  const lines: number[] = [];
  const bad: string[] = [];
  reader.open({ bytes, isAscii: isAscii(bytes), isValid: isUtf8(bytes), isLast });
  while (reader.next()) {
    if (reader.bad !== null) {
      const { line: first, lines: count, why } = reader.bad;
      bad.push(`${first}${count === 1 ? "" : `+${count - 1}`}: ${why}`);
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

test("empty fields, also at the end of the text", () => {
  expect(read(",\n,,\na,").rows).toEqual([
    ["", ""],
    ["", "", ""],
    ["a", ""],
  ]);
});

test("separators, doubled quotes and line breaks inside quotes", () => {
  const text = '"a,b","say ""hi""","two\nlines"\n"","x""y,z"\n';
  expect(read(text).rows).toEqual([
    ["a,b", 'say "hi"', "two\nlines"],
    ["", 'x"y,z'],
  ]);
  expect(read('a"b,"c"\n').rows).toEqual([['a"b', "c"]]);
});

test("CRLF ends lines, also after quotes; a CR elsewhere is data", () => {
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
  expect(read("a;b\r1;2\r", { dialect: { ...comma, separator: ";", newline: "\r" } }).rows).toEqual(
    [
      ["a", "b"],
      ["1", "2"],
    ],
  );
  expect(read("a\tb,c\n", { dialect: { ...comma, separator: "\t" } }).rows).toEqual([["a", "b,c"]]);
  // A separator of two bytes, whose first byte also begins other characters.
  expect(read('a§"b§c"§Â£\n"d"§\n', { dialect: { ...comma, separator: "§" } }).rows).toEqual([
    ["a", "b§c", "Â£"],
    ["d", ""],
  ]);
});

test("a line that ends with CRLF where lines end with CR is bad, not a field with a line break", () => {
  const dialect = { ...comma, newline: "\r" } as const;
  const { rows, bad } = read("a,b\r1,2\r\n3,4\r5,6\r", { dialect, width: 2 });
  expect(rows).toEqual([
    ["a", "b"],
    ["1", "2"],
    ["5", "6"],
  ]);
  expect(bad).toEqual(["3: a line break before the first field"]);
});

test("blank lines are skipped, unless a row has one field", () => {
  expect(read("a,b\n\n1,2\n\r\n\n", { width: 2 }).rows).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  expect(read("a\n\n1\n", { width: 1 }).rows).toEqual([["a"], [""], ["1"]]);
});

test("rows with a wrong number of fields are bad, with their first line", () => {
  const text = 'a,b\n"x\ny",2\n1\n1,2,3\n5,6\n"never closed,1\n';
  expect(read(text, { width: 2 })).toMatchObject({
    rows: [
      ["a", "b"],
      ["x\ny", "2"],
      ["5", "6"],
    ],
    lines: [1, 2, 6],
    bad: ["4: 1 field, not 2", "5: 3 fields, not 2", "7: the quote of a field is not closed"],
  });
});

test("text after a closing quote makes a record bad, up to the end of that line only", () => {
  const text =
    'id,title\n1,"Wind it" captain\n2,6" pipe\n3,"open\n4,x\n5,"y"\n6,"z"\n7,"a" \n8,b\n';
  const behind = "text after the closing quote of a field";
  expect(read(text, { width: 2 })).toMatchObject({
    rows: [
      ["id", "title"],
      ["2", '6" pipe'],
      ["6", "z"],
      ["8", "b"],
    ],
    bad: [`2: ${behind}`, `4+2: ${behind}`, `8: ${behind}`],
  });
});

test("with quote none, a quote is a plain character and a line is a record", () => {
  const dialect: Dialect = { ...comma, quote: "none" };
  expect(read('"a" b,"c\n"",d"\n', { dialect, width: 2 })).toMatchObject({
    rows: [
      ['"a" b', '"c'],
      ['""', 'd"'],
    ],
    bad: [],
  });
});

test("an unclosed quote covers all following lines", () => {
  expect(read('a,b\n"x,1\n2,3\n4,5\n', { width: 2 }).bad).toEqual([
    "2+2: the quote of a field is not closed",
  ]);
});

function doubtful(text: string): boolean {
  const reader = new RecordReader(comma, 3);
  const bytes = Buffer.from(text);
  reader.open({ bytes, isAscii: true, isValid: true, isLast: true });
  return reader.next() && reader.bad === null && reader.isDoubtful;
}

test("a quoted field is doubtful if each of its lines would be a row", () => {
  expect(doubtful('1,"abc,2\n2,def",3\n')).toBe(true);
  expect(doubtful('1,"abc\nand def",3\n')).toBe(false);
  expect(doubtful('1,"abc, 2",3\n')).toBe(false);
});

test("invalid bytes make only their own record bad", () => {
  const bytes = Buffer.concat([
    Buffer.from("a,b\n1,é\n2,"),
    Buffer.of(0xff),
    Buffer.from("x\n3,ü\n"),
  ]);
  expect(read(bytes, { width: 2 })).toMatchObject({
    rows: [
      ["a", "b"],
      ["1", "é"],
      ["3", "ü"],
    ],
    bad: ["3: field 2 has bytes that are not valid in this encoding"],
  });
});

test("mixed line endings are detected in rows of one field", () => {
  const mixed = "a line break within the field";
  expect(read('a\n1\r2\n"x\ry"\n3\r\n', { width: 1 })).toMatchObject({
    rows: [["a"], ["x\ry"], ["3"]],
    bad: [`2: ${mixed}`],
  });
  const dialect: Dialect = { ...comma, newline: "\r" };
  expect(read("a\r1\n2\r", { dialect, width: 1 }).bad).toEqual([`2: ${mixed}`]);
});

test("an incomplete record is left for the next block", () => {
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

test("property: valid CSV is read back, whole or in blocks", () => {
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
