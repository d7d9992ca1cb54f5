// Detects a file's separator, line breaks and column names from the beginning of the file.

import { foldCase } from "../../base/fold-case.ts";
import { byteLength, type Encoding } from "./encoding.ts";
import { type Dialect, type Quote, RecordReader } from "./records.ts";

const separators = [",", ";", "\t", "|"] as const;

/** Names for separators that are awkward to type in a shell. */
const named: Readonly<Record<string, string>> = {
  tab: "\t",
  "\\t": "\t",
  comma: ",",
  semicolon: ";",
  pipe: "|",
};

/** `--separator`: a character, or `tab`, `comma`, `semicolon`, `pipe`. @throws TypeError */
export function separatorOf(text: string): string {
  const separator = named[text.toLowerCase()] ?? text;
  if (separator.length === 1 && !'"\r\n'.includes(separator)) return separator;
  throw new TypeError(
    `the separator must be one character, or tab, comma, semicolon or pipe; not ${JSON.stringify(text)}`,
  );
}

type DialectOptions = {
  /** Null: choose the separator that gives the header the most fields; commas win a tie. */
  readonly separator: string | null;
  readonly quote: Quote;
};

export type Head = {
  readonly dialect: Dialect;
  /** Text before the header: blank lines, and Excel's `sep=;`. */
  readonly skipped: { readonly text: string; readonly lines: number };
  /** Column titles; empty when the file has no line. */
  readonly header: readonly string[];
  /** Why the header is not a valid record; null when it is. */
  readonly why: string | null;
  /** The head contains the complete header line. */
  readonly isWhole: boolean;
};

/** @param head the beginning of the file, longer than its first line */
export function readHead(head: string, options: DialectOptions): Head {
  const newline = newlineOf(head, options.quote);
  let at = blankLines(head, newline);
  const excel = /^"?sep=([^\r\n])"?\r?$/i.exec(lineAt(head, at, newline));
  if (excel !== null) {
    const next = head.indexOf(newline, at);
    at = next === -1 ? head.length : next + 1;
    at += blankLines(head.slice(at), newline);
  }
  const rest = head.slice(at);
  const separator = options.separator ?? excel?.[1] ?? bestSeparator(rest, newline, options.quote);
  const dialect: Dialect = { separator, newline, quote: options.quote };
  const text = head.slice(0, at);
  const { fields, why } = firstRecord(rest, dialect);
  return {
    dialect,
    skipped: { text, lines: text.split(newline).length - 1 },
    header: fields,
    why,
    isWhole: why === null && rest.includes(newline),
  };
}

/** The length of the text before the header, in bytes of the file. */
export const skippedBytes = ({ skipped }: Head, encoding: Encoding): number =>
  byteLength(skipped.text, encoding);

/** Decided by the first line break outside quotes; if there is none, by the first line break. */
function newlineOf(head: string, quote: Quote): "\n" | "\r" {
  const at = quote === "none" ? -1 : unquotedBreak(head);
  const first = at === -1 ? head.search(/[\r\n]/) : at;
  const isOldMac = first !== -1 && head[first] === "\r" && head[first + 1] !== "\n";
  return isOldMac && first < head.length - 1 ? "\r" : "\n";
}

function unquotedBreak(head: string): number {
  let isQuoted = false;
  for (let at = 0; at < head.length; at++) {
    const character = head[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === "\n" || character === "\r")) return at;
  }
  return -1;
}

const lineAt = (head: string, at: number, newline: string): string => {
  const end = head.indexOf(newline, at);
  return head.slice(at, end === -1 ? head.length : end);
};

/** The length of the blank lines at the beginning, in characters. */
function blankLines(head: string, newline: string): number {
  let at = 0;
  for (;;) {
    const end = head.indexOf(newline, at);
    if (end === -1 || head.slice(at, end).trim() !== "") return at;
    at = end + 1;
  }
}

/** If no separator splits a valid header, use one that splits an invalid header: a title does not contain a tab. */
function bestSeparator(head: string, newline: "\n" | "\r", quote: Quote): string {
  const record = (separator: string, quoted: Quote): Parsed =>
    firstRecord(head, { separator, newline, quote: quoted });
  const broken = separators.filter((separator) => record(separator, quote).why !== null);
  return (
    mostFields(separators, (separator) => record(separator, quote)) ??
    mostFields(broken, (separator) => record(separator, "none")) ??
    ","
  );
}

function mostFields(
  candidates: readonly string[],
  recordOf: (separator: string) => Parsed,
): string | null {
  let best: string | null = null;
  let most = 1;
  for (const separator of candidates) {
    const { length } = recordOf(separator).fields;
    if (length > most) [best, most] = [separator, length];
  }
  return best;
}

type Parsed = { readonly fields: readonly string[]; readonly why: string | null };

function firstRecord(head: string, dialect: Dialect): Parsed {
  // Only the first record: it is parsed once per candidate separator.
  const text = head.slice(0, firstRecordEnd(head, dialect));
  const bytes = Buffer.from(text.endsWith(dialect.newline) ? text : text + dialect.newline);
  const reader = new RecordReader(dialect, null);
  reader.open({ bytes, isAscii: false, isValid: true, isLast: true });
  if (!reader.next()) return { fields: [], why: null };
  if (reader.why !== null) return { fields: [], why: reader.why };
  const fields = Array.from({ length: reader.fields.count }, (_, i) => reader.text(i));
  return { fields, why: null };
}

/** The offset after the first line break outside quotes. A quote within a plain field is a plain character. */
function firstRecordEnd(head: string, { newline, separator, quote }: Dialect): number {
  let isQuoted = false;
  let closedAt = -1;
  for (let at = 0; at < head.length; at++) {
    const character = head[at];
    if (character === newline && !isQuoted) return at + 1;
    if (character !== '"' || quote === "none") continue;
    // Two quotes in a quoted field are one: the second opens it again.
    const mayOpen = at === 0 || head[at - 1] === separator || closedAt === at - 1;
    if (isQuoted) closedAt = at;
    isQuoted = !isQuoted && mayOpen;
  }
  return head.length;
}

/** Column names for a header. An empty title becomes `column_3`; a repeated title becomes `name_2`. */
export function columnNames(header: readonly string[]): readonly string[] {
  // Assigning `__proto__` on a row object would set its prototype.
  const taken = new Set(["__proto__"]);
  return header.map((title, index) => {
    const base = title.trim() === "" ? `column_${index + 1}` : title.trim();
    let name = base;
    for (let n = 2; taken.has(foldCase(name)); n++) name = `${base}_${n}`;
    taken.add(foldCase(name));
    return name;
  });
}
