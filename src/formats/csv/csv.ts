// `csv(path, options)`: the rows of a CSV file, for any task.

import type { Encoding } from "./encoding.ts";
import { badRowError, type Inspection, inspectCsv, type OptionNames } from "./inspect.ts";
import type { BadRecord, Quote } from "./records.ts";
import { CsvFile, type CsvRow, type CsvSource } from "./csv-file.ts";
import { typeOfKinds } from "./types.ts";

/** A row that was left out. */
export type CsvBadRow = {
  /** The line that it begins on, from 1. */
  readonly line: number;
  /** How many lines it covers. */
  readonly lines: number;
  readonly why: string;
};

export type CsvOptions = {
  /** One character, or `tab`. Default: the one of `,`, `;`, tab and `|` that cuts the header into most columns. */
  readonly separator?: string;
  /** `none`: quotes are characters like others. Default: `double`, as in RFC 4180. */
  readonly quote?: Quote;
  /** Default: by the byte order mark, else UTF-8, else Latin-1 with a warning. */
  readonly encoding?: Encoding;
  /**
   * `auto`: a column is numeric if that changes none of its fields (`007` and `1.10` stay text); `text`: every cell is a
   * string. Default: `auto`.
   */
  readonly types?: "auto" | "text";
  /** What an empty field of a text column is; in a column of numbers it is null. Default: `text`, an empty string. */
  readonly empty?: "text" | "null";
  /** Gets each row that cannot be read, which is left out. Default: the first one is an error. */
  readonly onBadRow?: (row: CsvBadRow) => void;
};

const names: OptionNames = {
  quoteNone: 'the option quote: "none"',
  encoding: "the option encoding",
  skipBadRows: "the option onBadRow",
};

/** @throws Error for a file that cannot be read, or that has changed since it was looked through */
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
    console.warn(`${path}: it has grown since it was looked through; that is not read`);
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
