// A file's separator, its line breaks and its column names, from its beginning.

import { type Dialect, RecordReader } from "./records.ts";

const separators = [",", ";", "\t", "|"] as const;

/** The names that people type for what is awkward to type. */
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

/**
 * @param head the beginning of the file, more than its first line
 * @param separator null to find it: the one that cuts the first line into most fields, commas first
 */
export function detectDialect(head: string, separator: string | null): Dialect {
  const newline = head.includes("\n") || !head.includes("\r") ? "\n" : "\r";
  if (separator !== null) return { separator, newline };
  let best: Dialect = { separator: ",", newline };
  let most = 1;
  for (const candidate of separators) {
    const dialect: Dialect = { separator: candidate, newline };
    const fields = firstRecord(head, dialect)?.length ?? 0;
    if (fields > most) [best, most] = [dialect, fields];
  }
  return best;
}

/** The fields of the first record, or null when there is none. */
export function firstRecord(head: string, dialect: Dialect): readonly string[] | null {
  // Some beginning of the file: long enough for a first record, and short enough to be read four times.
  const text = head.slice(0, firstRecordEnd(head, dialect));
  const bytes = Buffer.from(text.endsWith(dialect.newline) ? text : text + dialect.newline);
  const reader = new RecordReader(dialect, null);
  reader.open({ bytes, isAscii: false, isLast: true });
  if (!reader.next() || reader.why !== null) return null;
  return Array.from({ length: reader.fields.count }, (_, i) => reader.text(i));
}

/** Just past the first line that has something on it and does not end within quotes. */
function firstRecordEnd(head: string, { newline }: Dialect): number {
  let isQuoted = false;
  let isBlank = true;
  for (let at = 0; at < head.length; at++) {
    const character = head.charAt(at);
    if (character === newline && !isQuoted && !isBlank) return at + 1;
    if (character === '"') isQuoted = !isQuoted;
    isBlank &&= character.trim() === "";
  }
  return head.length;
}

/** Column names of a header: an empty one becomes `column_3`, one that is there already `name_2`. */
export function columnNames(header: readonly string[]): readonly string[] {
  // An object cannot have a column of this name as others.
  const taken = new Set(["__proto__"]);
  return header.map((title, index) => {
    const base = title.trim() === "" ? `column_${index + 1}` : title.trim();
    let name = base;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${base}_${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}
