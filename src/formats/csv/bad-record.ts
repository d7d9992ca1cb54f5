// A record that is not a row: where it is, why, and what may help.

import { assertNever } from "../../base/unreachable.ts";

/** The likely cause of a bad record; the caller turns it into a suggestion. */
export type BadRecordHint = "quote" | "line ends" | "encoding";

/** A record that is not a row: a wrong number of fields, ambiguous quotes, or bytes invalid in the encoding. */
export type BadRecord = {
  readonly line: number;
  /** Number of lines in the record. */
  readonly lines: number;
  readonly why: string;
  readonly hint: BadRecordHint | null;
};

/** The caller's names for the options (flags or properties), for messages that suggest one. */
export type OptionNames = {
  readonly quoteNone: string;
  readonly encoding: string;
  readonly skipBadRows: string;
};

export const flagNames: OptionNames = {
  quoteNone: "--quote none",
  encoding: "--encoding",
  skipBadRows: "--skip-bad-rows",
};

export function badRowError(path: string, record: BadRecord, names: OptionNames): Error {
  const skip = `${names.skipBadRows} skips such rows and counts them`;
  return rowError(path, record, [...remediesOf(record, names), skip]);
}

/** A header cannot be skipped. */
export const badHeaderError = (path: string, record: BadRecord, names: OptionNames): Error =>
  rowError(path, record, remediesOf(record, names));

function rowError(path: string, record: BadRecord, hints: readonly string[]): Error {
  const more = hints.length === 0 ? "" : ` (${hints.join("; ")})`;
  return new Error(`${path}, ${placeOf(record)}: ${record.why}${more}`);
}

const remediesOf = ({ hint }: BadRecord, names: OptionNames): string[] =>
  hint === null ? [] : [remedyOf(hint, names)];

function remedyOf(hint: BadRecordHint, names: OptionNames): string {
  switch (hint) {
    case "quote":
      return `${names.quoteNone} treats quotes as plain characters`;
    case "line ends":
      return "this file mixes line endings, CR and LF";
    case "encoding":
      return `${names.encoding} sets another encoding`;
    default:
      return assertNever(hint);
  }
}

/** `line 4`, or `lines 4 to 7`. */
export const placeOf = ({ line, lines }: BadRecord): string =>
  lines === 1 ? `line ${line}` : `lines ${line} to ${line + lines - 1}`;
