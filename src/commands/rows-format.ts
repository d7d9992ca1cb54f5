// Rows of a query as text, one row at a time: JSON, JSON Lines, CSV and tables. Pure.
//
// JSON: integers beyond 2^53 keep all digits, a BLOB is Base64, infinity is 1e999 (JSON readers parse it as infinity), as in
// the sqlite3 program. CSV (RFC 4180, lines end with LF): NULL is an empty field, the empty string is "".

import { JSON } from "../base/globals.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Row, Value } from "../store/read/reader.ts";
import { type Column, tableLines } from "../terminal/text-table.ts";
import type { Palette } from "../base/palette.ts";

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
  if (typeof value !== "number" || Number.isFinite(value)) return JSON.stringify(value ?? null);
  return value > 0 ? "1e999" : "-1e999";
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
  return typeof value === "string" ? csvQuoted(value) : String(value);
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

function tableWriter({ columns, width, colors }: RowFormatOptions): RowWriter {
  let page: Row[] = [];
  let pages = 0;
  const flush = (): string => {
    const rows = page.map((row) => columns.map((name) => cell(row[name])));
    const shape = columns.map((name): Column => ({
      title: name,
      align: page.length > 0 && page.every((row) => isNumeric(row[name])) ? "right" : "left",
      shrinkTo,
    }));
    const lines = tableLines({ columns: shape, rows }, { width, colors });
    page = [];
    return `${lines.slice(pages++ === 0 ? 0 : 1).join("\n")}\n`;
  };
  return {
    begin: () => "",
    row(row) {
      page.push(row);
      return page.length < pageRows ? "" : flush();
    },
    end: () => (page.length > 0 || pages === 0 ? flush() : ""),
  };
}

const isNumeric = (value: Value | undefined): boolean =>
  typeof value === "number" || typeof value === "bigint" || value === null;

const maxBlobBytes = 16;

function cell(value: Value | undefined): string {
  if (value === null || value === undefined) return "NULL";
  if (!(value instanceof Uint8Array)) return String(value);
  const more = value.length > maxBlobBytes ? `… (${value.length} bytes)` : "";
  return `x'${value.subarray(0, maxBlobBytes).toHex()}'${more}`;
}
