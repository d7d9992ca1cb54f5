// `csv(path, options)`: the rows of a CSV file, for any task.

import type { Encoding } from "./encoding.ts";
import { type BadRecord, badRowError, type OptionNames } from "./bad-record.ts";
import { type Inspection, inspectCsv } from "./inspect.ts";
import type { Quote } from "./records.ts";
import { CsvFile, type CsvRow, type CsvSource } from "./csv-file.ts";
import { typeOfKinds } from "./types.ts";

/** A row that was skipped. */
export type CsvBadRow = {
  /** First line of the row, counted from 1. */
  readonly line: number;
  /** Number of lines in the row. */
  readonly lines: number;
  /** The reason, e.g. `1 field, not 2`. */
  readonly why: string;
};

export type CsvOptions = {
  /** One character, or `tab`. Default: whichever of `,`, `;`, tab and `|` gives the header the most columns. */
  readonly separator?: string;
  /** `none`: quotes are plain characters. Default: `double`, as in RFC 4180. */
  readonly quote?: Quote;
  /** Default: from the byte order mark; else UTF-8; else Latin-1, with a warning. */
  readonly encoding?: Encoding;
  /**
   * `auto`: a column is numeric if that changes none of its fields (`007` and `1.10` stay text). `text`: every cell is
   * a string. Default: `auto`.
   */
  readonly types?: "auto" | "text";
  /**
   * The value of an empty field in a text column. In a numeric column it is always null. Default: `text`, an empty
   * string.
   */
  readonly empty?: "text" | "null";
  /** Called for each row that cannot be read; the row is skipped. Default: the first such row is an error. */
  readonly onBadRow?: (row: CsvBadRow) => void;
};

const names: OptionNames = {
  quoteNone: 'the option quote: "none"',
  encoding: "the option encoding",
  skipBadRows: "the option onBadRow",
};

/** @throws Error for a file that cannot be read, or that changes between inspection and reading */
export async function* readCsv(path: string, options: CsvOptions): AsyncGenerator<CsvRow> {
  const { onBadRow } = options;
  const inspection = await inspectCsv(path, {
    separator: options.separator ?? null,
    encoding: options.encoding ?? null,
    quote: options.quote ?? "double",
    skipBadRows: onBadRow !== undefined,
    numberColumns: [],
    names,
  });
  for (const { level, text } of inspection.notes)
    if (level === "warn") console.warn(`${path}: ${text}`);
  if (inspection.columns.length === 0) return;
  using file = await CsvFile.open(sourceOf(inspection, options));
  for (const { rows, bad } of file.rows(null)) {
    for (const record of bad) leaveOut(path, record, onBadRow);
    file.check();
    yield* rows;
  }
  file.check();
  if (file.hasGrown) {
    console.warn(
      `${path}: the file has grown since it was inspected; the added lines are not read`,
    );
  }
}

function sourceOf(inspection: Inspection, { types, empty }: CsvOptions): CsvSource {
  const columns = inspection.columns.map(({ name, kinds }) => {
    const isText = types === "text" || typeOfKinds(kinds, false) === "TEXT";
    return { name, as: isText ? ("text" as const) : ("number" as const) };
  });
  return { ...inspection, columns, key: [], emptyIsNull: empty === "null" };
}

function leaveOut(path: string, record: BadRecord, onBadRow: CsvOptions["onBadRow"]): void {
  if (onBadRow === undefined) throw badRowError(path, record, names);
  const { line, lines, why } = record;
  onBadRow({ line, lines, why });
}
