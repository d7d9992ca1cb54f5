// Rows of a query as text, one row at a time: JSON, JSON Lines, CSV and tables. Pure.
//
// JSON: integers beyond 2^53 keep all digits, a BLOB is Base64, infinity is 1e999 (JSON readers parse it as infinity), as in
// the sqlite3 program. CSV (RFC 4180, lines end with LF): NULL is an empty field, the empty string is "". In both, a REAL
// beyond 2^53 has an exponent, so that no program takes it for an integer.

import { JSON } from "../base/globals.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Row, Value } from "../store/read/reader.ts";
import { type Column, fittedTable, type TableCell } from "../terminal/text-table.ts";
import type { Palette } from "../base/palette.ts";
import { plural, visible, width } from "../base/text.ts";

export const rowFormats = ["table", "json", "jsonl", "csv"] as const;
export type RowFormat = (typeof rowFormats)[number];

type RowFormatOptions = {
  readonly format: RowFormat;
  readonly columns: readonly string[];
  /** Columns of the terminal; Infinity without a terminal. */
  readonly width: number;
  readonly colors: Palette;
};

/** Text of each row, and before the first and after the last one. */
type RowWriter = {
  begin(): string;
  row(row: Row): string;
  end(): string;
};

export function rowWriter(options: RowFormatOptions): RowWriter {
  switch (options.format) {
    case "table":
      return tableWriter(options);
    case "json":
      return jsonWriter(options.columns);
    case "jsonl":
      return jsonLinesWriter(options.columns);
    case "csv":
      return csvWriter(options.columns);
    default:
      return assertNever(options.format);
  }
}

// ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────

function jsonValue(value: Value | undefined): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify(value.toBase64());
  if (typeof value !== "number") return JSON.stringify(value ?? null);
  if (Number.isFinite(value)) return numberText(value);
  return value > 0 ? "1e999" : "-1e999";
}

/** 1e21, 1e300, 0.1, 1.5e18, 42. All digits that the number has. An integer beyond 2^53 is a bigint here, so this is a REAL. */
function numberText(value: number): string {
  const isLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
  return (isLarge ? value.toExponential() : String(value)).replace("e+", "e");
}

function jsonObject(columns: readonly string[]): (row: Row) => string {
  const names = columns.map((name) => JSON.stringify(name));
  return (row) =>
    `{${columns.map((name, i) => `${names[i] ?? ""}:${jsonValue(row[name])}`).join(",")}}`;
}

function jsonLinesWriter(columns: readonly string[]): RowWriter {
  const object = jsonObject(columns);
  return { begin: () => "", row: (row) => `${object(row)}\n`, end: () => "" };
}

function jsonWriter(columns: readonly string[]): RowWriter {
  const object = jsonObject(columns);
  let separator = "\n";
  return {
    begin: () => "[",
    row(row) {
      const text = separator + object(row);
      separator = ",\n";
      return text;
    },
    end: () => (separator === "\n" ? "]\n" : "\n]\n"),
  };
}

// ── CSV ────────────────────────────────────────────────────────────────────────────────────────────────

const csvQuoted = (text: string): string =>
  text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function csvValue(value: Value | undefined): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Uint8Array) return csvQuoted(value.toBase64());
  if (typeof value === "string") return csvQuoted(value);
  return typeof value === "number" ? numberText(value) : String(value);
}

/** A single NULL would be an empty line, which CSV readers skip. */
const csvLine = (cells: readonly string[]): string =>
  cells.length === 1 && cells[0] === "" ? '""\n' : `${cells.join(",")}\n`;

function csvWriter(columns: readonly string[]): RowWriter {
  return {
    begin: () => csvLine(columns.map(csvQuoted)),
    row: (row) => csvLine(columns.map((name) => csvValue(row[name]))),
    end: () => "",
  };
}

// ── table ──────────────────────────────────────────────────────────────────────────────────────────────

/** Column widths are computed per page, so that the output of a long result starts at once. */
const pageRows = 500;
const shrinkTo = 8;

function tableWriter(options: RowFormatOptions): RowWriter {
  const { columns, width: room, colors } = options;
  let page: Row[] = [];
  /** The columns that the last titles did not name; undefined before the first titles. */
  let without: readonly number[] | undefined;
  const flush = (): string => {
    const rows = page.map((row) => columns.map((name) => cell(row[name], colors)));
    const shape = columns.map((name, i) => columnOf(name, i, page));
    const { lines, leftOut } = fittedTable({ columns: shape, rows }, { width: room, colors });
    const isSame = without !== undefined && leftOut.join() === without.join();
    page = [];
    without = leftOut;
    return `${lines.slice(isSame ? 1 : 0).join("\n")}\n`;
  };
  return {
    begin: () => "",
    row(row) {
      page.push(row);
      return page.length < pageRows ? "" : flush();
    },
    end() {
      const last = page.length > 0 || without === undefined ? flush() : "";
      return last + leftOutText(options, without ?? []);
    },
  };
}

/** Text may be cut, a number may not: 9007… is another number. The last columns are left out first. */
function columnOf(title: string, index: number, page: readonly Row[]): Column {
  const numbers = page.map((row) => row[title]).filter((value) => isNumeric(value));
  const widest = numbers.reduce((most: number, value) => Math.max(most, width(textOf(value))), 0);
  return {
    title,
    align: page.length > 0 && numbers.length === page.length ? "right" : "left",
    shrinkTo: Math.max(shrinkTo, widest),
    ...(index === 0 ? {} : { optional: index }),
  };
}

/** Only on a terminal: elsewhere there is room for all columns. */
function leftOutText(
  { columns, colors, width: room }: RowFormatOptions,
  without: readonly number[],
): string {
  if (without.length === 0) return "";
  const names = without.map((i) => visible(columns[i] ?? "")).join(", ");
  const said = `${plural(without.length, "column")} left out for lack of room: ${names}`;
  const lines = Bun.wrapAnsi(`${said}; with --format json there are all`, room).split("\n");
  return lines.map((line) => `${colors.dim(line.trimEnd())}\n`).join("");
}

const isNumeric = (value: Value | undefined): boolean =>
  typeof value === "number" || typeof value === "bigint" || value === null;

const maxBlobBytes = 16;

/** NULL is dimmed, so that it is told from the text "NULL". */
const cell = (value: Value | undefined, { dim }: Palette): TableCell =>
  value === null || value === undefined ? { text: "NULL", style: dim } : textOf(value);

function textOf(value: Value | undefined): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "number") return numberText(value);
  if (!(value instanceof Uint8Array)) return String(value);
  const more = value.length > maxBlobBytes ? `… (${value.length} bytes)` : "";
  return `x'${value.subarray(0, maxBlobBytes).toHex()}'${more}`;
}
