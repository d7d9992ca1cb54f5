// CSV from random text and bytes: the rows of a second reader, and of csv-parse where both accept the text; anything else is
// an error that names the file.

import { parse } from "csv-parse/sync";
import { afterAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { columnNames } from "../../src/formats/csv/dialect.ts";
import { csv, type CsvBadRow, type CsvOptions, type CsvRow } from "../../src/index.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { referenceRows } from "./csv-reference.ts";
import { fuzz } from "./fuzz.ts";
import { mutated } from "./mutated.ts";
import { exact } from "./paper-json.ts";

setDefaultTimeout(24 * 3_600_000);

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, "data.csv");

type Read = { readonly rows: readonly CsvRow[]; readonly bad: readonly CsvBadRow[] };

/** Undefined: the file is refused, by a message that names it. */
async function read(
  bytes: string | Uint8Array,
  options: CsvOptions = {},
): Promise<Read | undefined> {
  writeFileSync(path, bytes);
  const bad: CsvBadRow[] = [];
  // Guesses are warnings.
  using _ = spyOn(console, "warn").mockImplementation(() => {});
  try {
    const rows = await Array.fromAsync(csv(path, { ...options, onBadRow: (row) => bad.push(row) }));
    return { rows, bad };
  } catch (error) {
    expect((error as Error).message).toStartWith(path);
    return undefined;
  }
}

const piece = fc.constantFrom(
  ",",
  ",",
  '"',
  '"',
  '""',
  "\n",
  "\n",
  "\r\n",
  "\r",
  "a",
  "b",
  " ",
  "1",
  "é",
  "😀",
  "\u0000",
  "\t",
  ";",
  "",
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

/** As the reader decides: the first line break outside quotes; without one, the first. */
function newlineOf(content: string): "\n" | "\r" {
  const outside = /^(?:[^"\r\n]|"[^"]*(?:"|$))*([\r\n])/.exec(content);
  const at = outside === null ? content.search(/[\r\n]/) : outside[0].length - 1;
  return content[at] === "\r" && content[at + 1] !== "\n" && at < content.length - 1 ? "\r" : "\n";
}

test("text: the rows of the reference, and of csv-parse", async () => {
  const input = fc.tuple(
    fc.constantFrom("a,b\n", "a,b,c\r\n", "a\n", '"a\n",b\n', "a,b\r", "\n\na,b\n", ""),
    text,
  );
  await fuzz(
    "CSV text",
    input,
    async ([head, body]) => {
      const content = head + body;
      fc.pre(!/^\s*"?sep=/i.test(content) && !content.startsWith("\u0000"));
      const found = await read(content, { separator: ",", encoding: "utf-8", types: "text" });
      const wanted = referenceRows(content, ",", newlineOf(content));
      expect(found !== undefined).toBe(wanted !== undefined);
      if (found === undefined || wanted === undefined) return;
      // By name: an object puts names like "1" first.
      const names = columnNames(wanted.header);
      const rows = found.rows.map((row) => names.map((name) => row[name]));
      expect(rows).toEqual(
        wanted.rows.flatMap(({ fields }) => (fields === null ? [] : [[...fields]])),
      );
      expect(found.bad.map(({ line }) => line)).toEqual(
        wanted.rows.filter(({ fields }) => fields === null).map(({ line }) => line),
      );
      const theirs = parsed(content);
      if (theirs !== undefined && wanted.header.length > 1 && newlineOf(content) === "\n") {
        expect(found.bad).toEqual([]);
        expect(rows).toEqual(theirs.slice(1));
      }
    },
    4,
  );
});

/** What csv-parse makes of it; undefined where it refuses the text, or follows other rules. */
function parsed(content: string): string[][] | undefined {
  // A CR alone is data here, and csv-parse ignores a NUL after a quote.
  if (/\r(?!\n)|\0/.test(content)) return undefined;
  try {
    return parse(content, {
      record_delimiter: ["\n", "\r\n"],
      skip_empty_lines: true,
      columns: false,
    });
  } catch {
    return undefined;
  }
}

const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.array(
    fc.array(
      fc.string({
        unit: fc.constantFrom("a", "7", ".", "-", " ", '"', "\n", "é", "€", "😀", ";"),
      }),
      { minLength: width, maxLength: width },
    ),
    { minLength: 2, maxLength: 5 },
  ),
);
const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;
const written = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(quoted).join(",")}\n`).join("");

const encodings = ["utf-8", "latin1", "utf-16le", "utf-16be"] as const;

function encoded(content: string, encoding: (typeof encodings)[number]): Buffer {
  if (encoding === "utf-8") return Buffer.from(content);
  if (encoding === "latin1") return Buffer.from(content, "latin1");
  const bytes = Buffer.from(content, "utf16le");
  return encoding === "utf-16be" ? bytes.swap16() : bytes;
}

/** U+FFFD itself, in each encoding. */
const replacements = [Buffer.from("\ufffd"), Buffer.of(0xfd, 0xff), Buffer.of(0xff, 0xfd)];

test("bytes in any encoding: read back, and where they are damaged never altered in silence", async () => {
  const input = fc
    .tuple(table, fc.constantFrom(...encodings), fc.boolean(), fc.boolean())
    .chain(([rows, encoding, mark, zipped]) => {
      const titles = rows[0]?.map((_, i) => `c${i}`) ?? [];
      const content = (mark && encoding !== "latin1" ? "\ufeff" : "") + written([titles, ...rows]);
      const bytes = encoded(content, encoding);
      return fc.tuple(fc.constant({ rows, encoding, bytes, zipped }), mutated(bytes));
    });
  await fuzz(
    "CSV bytes",
    input,
    async ([{ rows, encoding, bytes, zipped }, damaged]) => {
      const isDamaged =
        !damaged.every((byte, i) => byte === bytes[i]) || damaged.length !== bytes.length;
      const found = await read(zipped ? gzipSync(damaged) : damaged, {
        encoding,
        separator: ",",
        types: "text",
      });
      if (isDamaged || encoding === "latin1") {
        fc.pre(!replacements.some((character) => Buffer.from(damaged).includes(character)));
        for (const cell of found?.rows.flatMap((row) => Object.values(row)) ?? [])
          expect(String(cell)).not.toContain("\ufffd");
        return;
      }
      const whole = rows.map((row) => [...row]);
      // Rows of one field that are empty are quoted here, so they are rows.
      expect(found?.rows.map((row) => Object.values(row))).toEqual(whole);
    },
    4,
  );
});

test("any bytes with any option: rows or an error that names the file", async () => {
  const input = fc.tuple(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      text.chain((content) => mutated(Buffer.from(content))),
      text.chain((content) => mutated(gzipSync(content))),
    ),
    fc.record<CsvOptions>(
      {
        separator: fc.constantFrom(",", ";", "tab", "|", "é", " ", "\0"),
        quote: fc.constantFrom("double", "none"),
        encoding: fc.constantFrom(...encodings),
        types: fc.constantFrom("auto", "text"),
        empty: fc.constantFrom("text", "null"),
      },
      { requiredKeys: [] },
    ),
  );
  await fuzz(
    "any bytes as CSV",
    input,
    async ([bytes, options]) => {
      const found = await read(bytes, options);
      for (const row of found?.rows ?? []) {
        for (const cell of Object.values(row)) {
          if (typeof cell === "number") expect(Number.isFinite(cell)).toBeTrue();
        }
      }
    },
    3,
  );
});

test("numbers: a column is numeric only if that changes none of its fields", async () => {
  const number = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom(
      "",
      "007",
      "1.10",
      "+5",
      "-0",
      "0",
      "1e5",
      "1E5",
      ".5",
      "5.",
      "9007199254740993",
      "-9223372036854775808",
      "9223372036854775808",
      "0x10",
      "NaN",
      "Infinity",
      "1_0",
      " 1",
      "1 ",
      "١",
    ),
    fc.string({ unit: fc.constantFrom(..."0123456789.-+eE ".split("")), maxLength: 20 }),
  );
  await fuzz(
    "numbers in CSV",
    fc.array(number, { minLength: 1, maxLength: 6 }),
    async (fields) => {
      const found = await read(`id,n\n${fields.map((field, i) => `${i},${field}\n`).join("")}`);
      expect(found?.rows.length).toBe(fields.length);
      found?.rows.forEach((row, i) => {
        const cell = row["n"];
        if (cell === null) expect(fields[i]).toBe("");
        // Equal on paper: 5.0 is 5, and 6.1e-05 prints without an exponent.
        else if (typeof cell === "number")
          expect(exact(String(cell))).toEqual(exact(fields[i] ?? ""));
        else expect(String(cell)).toBe(fields[i] ?? "");
      });
    },
    2,
  );
});
