// CSV text → where its records and fields are (RFC 4180, read as leniently as sqlite3 reads it). Pure; one pass over
// the characters, and no string is made: who wants a field cuts it out, who wants its type looks at its characters.

/** What tells one dialect from another. The separator is a single character. */
export type Dialect = {
  readonly separator: string;
  /** `"\n"` stands for `\r\n` too; `"\r"` is for files of old Macs. */
  readonly newline: "\n" | "\r";
};

/** A record that is not a row: too few or too many fields, or a quote that never closes. */
export type BadRecord = { readonly line: number; readonly why: string };

/** The fields of one record, without their quotes. Overwritten by the next record. */
export class Fields {
  count = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** 1 where a field was quoted: a quote in it stands twice. */
  quoted = new Uint8Array(64);

  add(start: number, end: number, quoted: 0 | 1): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.quoted[this.count++] = quoted;
  }

  #grow(): void {
    const { starts, ends, quoted } = this;
    this.starts = new Int32Array(this.count * 2);
    this.ends = new Int32Array(this.count * 2);
    this.quoted = new Uint8Array(this.count * 2);
    this.starts.set(starts);
    this.ends.set(ends);
    this.quoted.set(quoted);
  }
}

/** One field as a string. */
export function fieldOf(text: string, fields: Fields, index: number): string {
  const field = text.slice(fields.starts[index], fields.ends[index]);
  return fields.quoted[index] === 1 && field.includes('"') ? field.replaceAll('""', '"') : field;
}

export type RecordsInput = {
  readonly text: string;
  /** The number of the line that the text begins with. */
  readonly line: number;
  /** Nothing follows: what is there at the end is a record, newline or not. */
  readonly isLast: boolean;
  /** How many fields a row has; null: any number. */
  readonly width: number | null;
};

export interface RecordSink {
  row(text: string, fields: Fields, line: number): void;
  bad(record: BadRecord): void;
}

export type RecordsEnd = {
  /** Where the first record begins that the text does not hold to its end; the text's length if there is none. */
  readonly end: number;
  /** The line at `end`. */
  readonly line: number;
};

const quote = 34;
const carriageReturn = 13;

/**
 * Blank lines are passed over, except where a row is one field wide. A quote opens a field only at its beginning, and
 * closes it only before a separator or the end of the line; elsewhere it is a character like others.
 */
export function readRecords(input: RecordsInput, dialect: Dialect, sink: RecordSink): RecordsEnd {
  const { text, isLast, width } = input;
  const { length } = text;
  const separator = dialect.separator.charCodeAt(0);
  const newline = dialect.newline.charCodeAt(0);
  const isLf = newline !== carriageReturn;
  const fields = new Fields();
  let { line } = input;
  let at = 0;

  while (at < length) {
    const start = at;
    const startLine = line;
    fields.count = 0;
    for (;;) {
      if (text.charCodeAt(at) === quote) {
        const close = closingQuote(text, at + 1, separator, newline);
        if (close === -1) {
          if (!isLast) return { end: start, line: startLine };
          sink.bad({ line: startLine, why: "a quoted field does not end" });
          return { end: length, line };
        }
        fields.add(at + 1, close, 1);
        line += countBetween(text, dialect.newline, at + 1, close);
        at = close + 1;
        if (isLf && text.charCodeAt(at) === carriageReturn) at++;
      } else {
        const from = at;
        let code = text.charCodeAt(at);
        // Past the end the code is NaN, which is neither: the length decides.
        while (code !== separator && code !== newline && at < length) code = text.charCodeAt(++at);
        const isCrlf =
          isLf && code !== separator && at > from && text.charCodeAt(at - 1) === carriageReturn;
        fields.add(from, isCrlf ? at - 1 : at, 0);
      }
      if (at >= length) {
        if (!isLast) return { end: start, line: startLine };
        break;
      }
      const isEnd = text.charCodeAt(at++) === newline;
      if (isEnd) {
        line++;
        break;
      }
      if (at === length && isLast) {
        // A separator at the very end: an empty field follows it.
        fields.add(at, at, 0);
        break;
      }
    }
    if (isBlank(fields) && width !== 1) continue;
    if (width === null || fields.count === width) sink.row(text, fields, startLine);
    else sink.bad({ line: startLine, why: `${fields.count} fields, not ${width}` });
  }
  return { end: length, line };
}

const isBlank = (fields: Fields): boolean =>
  fields.count === 1 && fields.starts[0] === fields.ends[0] && fields.quoted[0] === 0;

/** The quote that ends the field, or -1 when the text ends first. */
function closingQuote(text: string, from: number, separator: number, newline: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at);
    if (at === -1) return -1;
    const next = text.charCodeAt(at + 1);
    if (next === separator || next === newline || at + 1 === text.length) return at;
    if (next === carriageReturn) {
      const after = at + 2;
      if (after === text.length || text.charCodeAt(after) === newline) return at;
    }
    at += next === quote ? 2 : 1;
  }
}

function countBetween(text: string, character: string, from: number, to: number): number {
  let count = 0;
  let at = text.indexOf(character, from);
  while (at !== -1 && at < to) {
    count++;
    at = text.indexOf(character, at + 1);
  }
  return count;
}
