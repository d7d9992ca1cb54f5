import { afterEach, beforeEach, expect, test } from "bun:test";
import * as fc from "fast-check";
import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { columnNames, readHead, separatorOf } from "../../../src/formats/csv/dialect.ts";
import { flagNames } from "../../../src/formats/csv/bad-record.ts";
import { type Inspection, inspectCsv } from "../../../src/formats/csv/inspect.ts";
import {
  type CsvBatch,
  CsvFile,
  type CsvSource,
  type Position,
} from "../../../src/formats/csv/csv-file.ts";
import { typeOfKinds } from "../../../src/formats/csv/types.ts";

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

const auto = {
  separator: null,
  encoding: null,
  quote: "double",
  skipBadRows: false,
  numberColumns: [],
  names: flagNames,
} as const;
const skip = { ...auto, skipBadRows: true };

const sourceOf = (inspection: Inspection, key: readonly string[] = []): CsvSource => ({
  ...inspection,
  columns: inspection.columns.map(({ name, kinds }) => ({
    name,
    as: typeOfKinds(kinds, false) === "TEXT" ? "text" : "number",
  })),
  key,
  emptyIsNull: false,
});

async function batches(
  inspection: Inspection,
  from: Position | null = null,
  key: readonly string[] = [],
): Promise<CsvBatch[]> {
  using csv = await CsvFile.open(sourceOf(inspection, key));
  return Array.from(csv.rows(from));
}

const rowsOf = async (inspection: Inspection): Promise<unknown[]> =>
  (await batches(inspection)).flatMap(({ rows }) => rows.map((row) => Object.values(row)));

const typesOf = ({ columns }: Inspection): string[] =>
  columns.map(({ name, kinds }) => `${name} ${typeOfKinds(kinds, false)}`);

const notesOf = ({ notes }: Inspection): string[] =>
  notes.map(({ level, text }) => `${level}: ${text}`);

const utf16 = (text: string, order: "le" | "be", bom: boolean): Buffer => {
  const bytes = Buffer.from(`${bom ? "\ufeff" : ""}${text}`, "utf16le");
  return order === "le" ? bytes : bytes.swap16();
};

const text = "id,name\n1,Zoë\n2,“quoted”\n";
const expected: unknown[] = [
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
  expect(typesOf(inspection)).toEqual(["id INTEGER", "name TEXT"]);
  expect(await rowsOf(inspection)).toEqual(expected);
  const said = notesOf(inspection).join();
  if (encoding === "utf-8") expect(said).toBe("");
  else expect(said).toContain(`read as ${encoding}`);
});

test("a header that is longer than the first read", async () => {
  const names = Array.from(
    { length: 1900 },
    (_, i) => `a long name of a column ${"x".repeat(40)} ${i}`,
  );
  const inspection = await inspectCsv(file(`${names.join(",")}\n${names.join(",")}\n`), auto);
  expect(inspection.columns.map(({ name }) => name)).toEqual(names);
  expect(inspection.rows).toBe(1);
});

test("many blank lines before the header", async () => {
  const inspection = await inspectCsv(file(`${"\n".repeat(60_000)}a,b\n1,2\n`), auto);
  expect(inspection.columns.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("a wrong encoding option is an error", async () => {
  const path = file(cp1252);
  expect(await failure(inspectCsv(path, { ...auto, encoding: "utf-8" }))).toContain(
    "line 2: field 2 has bytes that are not valid in this encoding",
  );
});

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  return "no failure";
}

test("column types lose nothing in the whole file", async () => {
  const long = Array.from({ length: 50_000 }, (_, i) => `${i},${i},${i}.5,${i % 7},x,`);
  const path = file(`a,zip,price,n,t,none\n${long.join("\n")}\n50000,01234,7,,"9",\n`);
  const inspection = await inspectCsv(path, auto);
  expect(typesOf(inspection)).toEqual([
    "a INTEGER",
    "zip TEXT",
    "price REAL",
    "n INTEGER",
    "t TEXT",
    "none TEXT",
  ]);
  expect(inspection.rows).toBe(50_001);
  expect(inspection.columns[1]?.examples).toEqual({ 8: { field: "01234", line: 50_002 } });
});

test("a header only, an empty file, only a byte order mark", async () => {
  const header = await inspectCsv(file("a,b\n"), auto);
  expect([header.columns.length, header.rows, await rowsOf(header)]).toEqual([2, 0, []]);
  for (const content of ["", "\ufeff", "\n\n"]) {
    const empty = await inspectCsv(file(content), auto);
    expect([empty.columns, empty.rows, await rowsOf(empty)]).toEqual([[], 0, []]);
  }
});

test("a bad row is an error with file and line, or is counted", async () => {
  const path = file('id,b\n1,"x\ny"\n2\n3,z\n4,5,6\n');
  expect(await failure(inspectCsv(path, auto))).toContain(`${path}, line 4: 1 field, not 2`);
  const inspection = await inspectCsv(path, skip);
  expect([inspection.rows, inspection.badRows]).toEqual([2, 2]);
  const [batch] = await batches(inspection);
  expect(batch?.bad.map(({ line }) => line)).toEqual([4, 6]);
  expect(batch?.position).toMatchObject({ rows: 2, badRows: 2, line: 7 });
});

test("a row without its key is bad", async () => {
  const inspection = await inspectCsv(file("id,b\n1,x\n,y\n"), auto);
  const [batch] = await batches(inspection, null, ["id"]);
  expect(batch?.bad).toMatchObject([{ line: 3, lines: 1, why: "the key column id is empty" }]);
});

test("a record longer than a block, and records that span every block's end", async () => {
  const huge = "y\n".repeat(1_500_000);
  const inspection = await inspectCsv(file(`id,t\n1,"${huge}"\n2,z\n`), auto);
  expect(await rowsOf(inspection)).toEqual([
    [1, huge],
    [2, "z"],
  ]);
});

test.each(["utf-8", "utf-16le", "latin1"] as const)(
  "short rows after a long field come in batches of normal size (%s)",
  async (encoding) => {
    const content = `id,t\n0,${"é".repeat(5_000_000)}\n${"1,a\n".repeat(400_000)}2,b`;
    const bytes =
      encoding === "utf-16le" ? utf16(content, "le", true) : Buffer.from(content, encoding);
    const inspection = await inspectCsv(file(bytes), auto);
    const all = await batches(inspection);
    expect(Math.max(...all.map(({ rows }) => rows.length))).toBeLessThan(200_000);
    expect(all.at(-1)?.position).toMatchObject({ rows: 400_002, offset: bytes.length });
    const from = all[1]?.position ?? null;
    const rest = await batches(inspection, from);
    expect(rest.at(-1)?.position).toEqual(all.at(-1)?.position as Position);
  },
);

const lineOf = (i: number): string =>
  `${i},"né${i % 3 === 0 ? "\n" : ""}${"x".repeat(i % 50)}",${i * 1.5}`;

test.each(["utf-8", "utf-16le", "latin1"] as const)(
  "property: reading from any position gives the rest of the rows (%s)",
  async (encoding) => {
    const content = `id,name,score\n${Array.from({ length: 60_000 }, (_, i) => lineOf(i)).join("\n")}\n`;
    const bytes =
      encoding === "utf-16le" ? utf16(content, "le", true) : Buffer.from(content, encoding);
    const inspection = await inspectCsv(file(bytes), auto);
    expect(inspection.encoding).toBe(encoding);
    const all = await batches(inspection);
    expect(all.length).toBeGreaterThan(2);
    const rows = all.flatMap((batch) => batch.rows);
    expect(rows.length).toBe(60_000);
    expect(all.at(-1)?.position.offset).toBe(bytes.length);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: all.length - 1 }), async (index) => {
        const from = all[index]?.position ?? null;
        const rest = await batches(inspection, from);
        expect(rest.flatMap((batch) => batch.rows)).toEqual(rows.slice(from?.rows));
        if (rest.length > 0)
          expect(rest.at(-1)?.position).toEqual(all.at(-1)?.position as Position);
      }),
      { numRuns: 5 },
    );
  },
);

const options = { separator: null, quote: "double" } as const;
const newlineOf = (head: string): string => readHead(head, options).dialect.newline;
const found = (head: string): string => readHead(head, options).dialect.separator;

test("separators are detected or set by the option", () => {
  expect(found("a;b;c\n1,5;2;3\n")).toBe(";");
  expect(found("a\tb\n")).toBe("\t");
  expect(found('"a|b"|c|d\n')).toBe("|");
  expect(found('"a;b;c",d\n')).toBe(",");
  expect(found("single\n")).toBe(",");
  expect(found('"a;b"\nx;y\n')).toBe(",");
  expect([separatorOf("tab"), separatorOf("\\t"), separatorOf("^")]).toEqual(["\t", "\t", "^"]);
  expect(() => separatorOf("ab")).toThrow("must be one character");
  expect(() => separatorOf('"')).toThrow("must be one character");
});

test("a quote within a title does not open a quoted field", () => {
  const { header, why } = readHead('a,5","b ""\n""c"\n1,2,3\n', options);
  expect({ header, why }).toEqual({ header: ["a", '5"', 'b "\n"c'], why: null });
});

test("the first line break outside quotes decides the line ending", () => {
  expect(newlineOf("a;b\r1;2\r")).toBe("\r");
  expect(newlineOf('a,b\r1,"x\ny"\r')).toBe("\r");
  expect(newlineOf('"a\rb",c\n1,2\n')).toBe("\n");
  expect(newlineOf('"a\nb",c\r1,2\r')).toBe("\r");
  expect(newlineOf("a,b\r\n1,2\r\n")).toBe("\n");
  expect(newlineOf('a",b\n1,2\r\n')).toBe("\n");
});

test.each([
  ["sep=;\r\nA;B\r\n1;2\r\n", ";", 2],
  ['"sep=|"\nA|B\n1|2\n', "|", 2],
  ["SEP=\t\nA\tB\n1\t2\n", "\t", 2],
  ["\n \r\nsep=,\n\nA,B\n1,2\n", ",", 5],
])("the separator that Excel writes is no row: %j", async (content, separator, line) => {
  for (const bytes of [Buffer.from(content), utf16(content, "be", true)]) {
    const inspection = await inspectCsv(file(bytes), auto);
    expect(inspection.dialect.separator).toBe(separator);
    expect(inspection.firstLine).toBe(line);
    expect(typesOf(inspection)).toEqual(["A INTEGER", "B INTEGER"]);
    expect(await rowsOf(inspection)).toEqual([[1, 2]]);
  }
});

test("with one column, blank lines are rows after the header, but not before it", async () => {
  const inspection = await inspectCsv(file("\n  \nname\nada\n\nbob\n"), auto);
  expect(inspection.columns.map(({ name }) => name)).toEqual(["name"]);
  expect(await rowsOf(inspection)).toEqual([["ada"], [""], ["bob"]]);
});

test("an invalid header is an error, not an empty file or a single column", async () => {
  const tabs = await failure(inspectCsv(file('id\t"size" x\n1\t2\n'), skip));
  expect(tabs).toContain("line 1: text after the closing quote");
  const skipping = await failure(inspectCsv(file('id,"na" me\n1,2\n'), skip));
  expect(skipping).toContain("line 1: text after the closing quote");
  const bytes = Buffer.concat([Buffer.from("id,né"), Buffer.of(0xff), Buffer.from("\n1,2\n")]);
  expect(await failure(inspectCsv(file(bytes), skip))).toContain("line 1: field 2 has bytes");
});

const damaged = Buffer.concat([Buffer.from("id,v\n1,é\n2,"), Buffer.of(0xff), Buffer.from("\n")]);

test("one invalid byte in a UTF-8 file makes a bad row, and does not change the encoding", async () => {
  expect(await failure(inspectCsv(file(damaged), auto))).toContain("line 3: field 2 has bytes");
  const inspection = await inspectCsv(file(damaged), skip);
  expect([inspection.encoding, inspection.badRows]).toEqual(["utf-8", 1]);
  expect(await rowsOf(inspection)).toEqual([[1, "é"]]);
  // Truncated inside a character; the only other multi-byte character is far away.
  const far = Buffer.from(`id,v\n1,ü\n${"2,x\n".repeat(500_000)}3,é`);
  expect(await failure(inspectCsv(file(far.subarray(0, -1)), auto))).toContain("line 500003");
});

test("a file without any multi-byte UTF-8 character is read as Latin-1, with a warning", async () => {
  const bytes = Buffer.from(`id,v\n${"1,x\n".repeat(100_000)}2,caf\xe9\n`, "latin1");
  const inspection = await inspectCsv(file(bytes), auto);
  expect(inspection.encoding).toBe("latin1");
  expect(notesOf(inspection)).toEqual([
    "warn: the file is not UTF-8 (first in line 100002), so it is read as latin1; --encoding sets another encoding",
  ]);
});

test.each(["le", "be"] as const)("half a character of UTF-16 %s is a bad row", async (order) => {
  const lone = "id,v\n1,a\ud800b\n2,\u{1f600}\n3,x\n";
  const inspection = await inspectCsv(file(utf16(lone, order, true)), skip);
  expect(await rowsOf(inspection)).toEqual([
    [2, "\u{1f600}"],
    [3, "x"],
  ]);
  const torn = utf16("id,v\n1,a\n2,b", order, true).subarray(0, -1);
  expect(await failure(inspectCsv(file(torn), auto))).toContain("line 3: field 2 has bytes");
});

test.each(["le", "be"] as const)(
  "UTF-16 %s without a mark, and with few ASCII characters",
  async (order) => {
    const bytes = utf16(`名前,値\n${"漢字仮名交じり文の長い一行,二\n".repeat(10)}`, order, false);
    const inspection = await inspectCsv(file(bytes), auto);
    expect(inspection.encoding).toBe(`utf-16${order}`);
    expect((await rowsOf(inspection))[9]).toEqual(["漢字仮名交じり文の長い一行", "二"]);
  },
);

test("a zero byte in a field does not make a file UTF-16", async () => {
  const inspection = await inspectCsv(file("id,v\n1,a\0b\n2,c\0\n"), auto);
  expect(await rowsOf(inspection)).toEqual([
    [1, "a\0b"],
    [2, "c\0"],
  ]);
});

test("a byte order mark that contradicts the encoding option is an error", async () => {
  const named = { ...auto, encoding: "latin1" } as const;
  expect(await failure(inspectCsv(file("\ufeffid\n1\n"), named))).toContain(
    "the file begins with the byte order mark of utf-8, so it is not latin1",
  );
});

test("gzip is decompressed under any name; broken gzip and other archives are errors", async () => {
  const content = `a,b\n${"1,2\n".repeat(300_000)}`;
  const packed = gzipSync(content);
  const inspection = await inspectCsv(file(packed), auto);
  expect(inspection.rows).toBe(300_000);
  expect(notesOf(inspection)).toEqual(["info: decompressed (gzip)"]);
  const all = await batches(inspection);
  const rest = await batches(inspection, all[1]?.position ?? null);
  expect(rest.at(-1)?.position).toEqual(all.at(-1)?.position as Position);
  const broken = packed.subarray(0, packed.length / 2);
  expect(await failure(inspectCsv(file(broken), auto))).toContain("cannot be decompressed");
  expect(await failure(inspectCsv(file("PK\u0003\u0004…"), auto))).toContain("zip archive");
  expect(await failure(inspectCsv(folder, auto))).toContain("not a regular file");
});

test.skipIf(process.platform === "win32")(
  "a named pipe that nobody writes to does not block",
  async () => {
    const pipe = join(folder, "pipe.csv");
    Bun.spawnSync(["mkfifo", pipe]);
    expect(await failure(inspectCsv(pipe, auto))).toContain("not a regular file");
  },
);

test("a quote that may be a plain character is reported with its line", async () => {
  const inspection = await inspectCsv(file('a,b,c\n1,"x,2\n2,y",3\n4,"p,5\n5,q",6\n'), auto);
  expect(notesOf(inspection)).toEqual([
    expect.stringContaining("warn: line 2 (and 1 other places): a quoted field spans lines"),
  ]);
});

const content = `id,v\n${Array.from({ length: 200_000 }, (_, i) => `${i},old`).join("\n")}\n`;

test("a file that has changed since the inspection is not loaded", async () => {
  const path = file(content);
  const inspection = await inspectCsv(path, auto);
  writeFileSync(path, content.replaceAll("old", "NEW"));
  expect(await failure(batches(inspection))).toContain(
    "the file has changed since it was inspected",
  );
  writeFileSync(path, content.slice(0, -10));
  expect(await failure(batches(inspection))).toContain("the file has changed");
});

test("a file that was copied, touched or appended to counts as unchanged", async () => {
  const path = file(content);
  const inspection = await inspectCsv(path, auto);
  utimesSync(path, 1, 1);
  expect((await rowsOf(inspection)).length).toBe(200_000);
  using before = await CsvFile.open(sourceOf(inspection));
  expect(before.hasGrown).toBe(false);
  appendFileSync(path, "200000,later\n200001,la");
  expect((await rowsOf(inspection)).length).toBe(200_000);
  expect(before.hasGrown).toBe(true);
});

test("a growing file whose last line was incomplete at the inspection is refused", async () => {
  for (const [bytes, rest] of [
    [Buffer.from("id,v\n1,whole\n2,ha"), Buffer.from("lf\n")],
    [utf16("id,v\n1,whole\n2,ha", "le", true), utf16("lf\n", "le", false)],
  ] as const) {
    const path = file(bytes);
    const inspection = await inspectCsv(path, auto);
    using csv = await CsvFile.open(sourceOf(inspection));
    csv.check();
    appendFileSync(path, rest);
    expect(() => csv.check()).toThrow("its last line was not complete then");
    expect(await failure(batches(inspection))).toContain("its last line was not complete then");
  }
});

test("a change during loading is detected before rows are committed, and at the end", async () => {
  const path = file(content);
  const inspection = await inspectCsv(path, auto);
  using csv = await CsvFile.open(sourceOf(inspection));
  const rows = csv.rows(null);
  rows.next();
  csv.check();
  appendFileSync(path, "200000,later\n");
  csv.check();
  writeFileSync(path, content.replaceAll("old", "NEW"));
  expect(() => csv.check()).toThrow("the file has changed");
  expect(() => Array.from(rows)).toThrow("the file has changed");
});

test("only complete rows of a growing file are inspected", async () => {
  const path = file(content);
  let grown = 0;
  const grow = (): void => {
    if (grown++ < 20) appendFileSync(path, grown % 2 === 1 ? `${grown},"a\nb` : `c"\n`);
  };
  const inspection = await inspectCsv(path, auto, grow);
  // Two passes: the second one reads the lines that the first one missed.
  expect(grown).toBeGreaterThan(1);
  expect(notesOf(inspection)[0]).toStartWith("warn: the file grows while it is read");
  const rows = (await rowsOf(inspection)) as [number, string][];
  expect(rows.length).toBe(inspection.rows);
  expect(rows.slice(200_000).every(([, added]) => added === "a\nbc")).toBe(true);
});

test("a file that is rewritten during the inspection is an error", async () => {
  const path = file(content);
  let times = 0;
  const rewrite = (): void => {
    times++;
    writeFileSync(path, content.replaceAll("old", `n${times % 10}w`));
  };
  expect(await failure(inspectCsv(path, auto, rewrite))).toContain(
    "the file is changed while it is read",
  );
});

test("column names are unique and never empty; ASCII case is ignored", () => {
  expect(columnNames(["a", "", " A ", "a_2", "__proto__", "Φ", "φ"])).toEqual([
    "a",
    "column_2",
    "A_2",
    "a_2_2",
    "__proto___2",
    "Φ",
    "φ",
  ]);
});
