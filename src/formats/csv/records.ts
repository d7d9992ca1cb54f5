// The bytes of a CSV file → where its records and fields are (RFC 4180). Pure; one pass, and no string is made: who wants
// a field cuts it out, who wants its type looks at its digits.

import { isUtf8 } from "node:buffer";

/** What tells one dialect from another. The separator is a single character. */
export type Dialect = {
  readonly separator: string;
  /** `"\n"` stands for `\r\n` too; `"\r"` is for files of old Macs. */
  readonly newline: "\n" | "\r";
  /** What a quote at the beginning of a field means: the field is quoted, or nothing. */
  readonly quote: Quote;
};

export const quotes = ["double", "none"] as const;
export type Quote = (typeof quotes)[number];

/** What can be done about a bad record. */
export type BadRecordHint = "quote" | "line ends" | "encoding";

/** A record that is not a row: too few or too many fields, quotes that say two things, bytes that are no characters. */
export type BadRecord = {
  readonly line: number;
  /** How many lines it covers. */
  readonly lines: number;
  readonly why: string;
  readonly hint: BadRecordHint | null;
};

/** The fields of one record, without their quotes. Overwritten by the next record. */
class Fields {
  count = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** 1 where a field was quoted: a quote in it stands twice. */
  quoted = new Uint8Array(64);

  /** Twice as many have room. */
  grow(): void {
    const { starts, ends, quoted } = this;
    this.starts = new Int32Array(starts.length * 2);
    this.ends = new Int32Array(starts.length * 2);
    this.quoted = new Uint8Array(starts.length * 2);
    this.starts.set(starts);
    this.ends.set(ends);
    this.quoted.set(quoted);
  }
}

/** UTF-8 that ends with a newline. */
export type RecordsInput = {
  readonly bytes: Buffer;
  /** A character is a byte. */
  readonly isAscii: boolean;
  /** All of it is characters. */
  readonly isValid: boolean;
  /** Nothing follows: what is not complete at the end is bad, not a beginning. */
  readonly isLast: boolean;
};

const doubleQuote = 34;
/** No byte is this one. */
const noQuote = -1;
const lineFeed = 10;
const carriageReturn = 13;

/**
 * Hands out one record after the other. Blank lines are passed over, except where a row is one field wide. A quote opens
 * a field only at its beginning; within a field that begins otherwise it is a character like others. Where a quoted field
 * goes on behind its closing quote, nobody can know what was meant: all up to the end of that line is one bad record.
 */
export class RecordReader {
  readonly fields = new Fields();
  /** The line that the record begins on. */
  line: number;
  /** Why the record is not a row; null when it is one. */
  why: string | null = null;
  #hint: BadRecordHint | null = null;
  /** How many fields a row has; null: any number. */
  readonly #width: number | null;
  readonly #separator: Uint8Array;
  readonly #newline: number;
  readonly #quote: number;
  #input: RecordsInput = {
    bytes: Buffer.alloc(0),
    isAscii: true,
    isValid: true,
    isLast: true,
  };
  /** All of the block, once it is asked for. */
  #text: string | undefined;
  /** A place in the block that is known in both. */
  #mappedByte = 0;
  #mappedCharacter = 0;
  #at = 0;
  /** The line at `#at`. */
  #nextLine: number;
  /** Where the record begins. */
  #start = 0;
  /** Line breaks within the quoted field that was closed last. */
  #breaks = 0;
  /** That field goes on behind its closing quote. */
  #isBroken = false;

  constructor(dialect: Dialect, width: number | null, line = 1) {
    this.#separator = Buffer.from(dialect.separator);
    this.#newline = dialect.newline.charCodeAt(0);
    this.#quote = dialect.quote === "none" ? noQuote : doubleQuote;
    this.#width = width;
    this.line = line;
    this.#nextLine = line;
  }

  /** Begins a block; its first record begins with it. */
  open(input: RecordsInput): void {
    if (input.bytes.at(-1) !== this.#newline) throw new Error("a block must end with a newline");
    this.#input = input;
    this.#text = undefined;
    this.#at = 0;
    this.#mappedByte = 0;
    this.#mappedCharacter = 0;
  }

  /** Bytes of the block that are read: the record behind them is not there to its end. */
  get end(): number {
    return this.#at;
  }

  /** The line behind the last record. */
  get nextLine(): number {
    return this.#nextLine;
  }

  /** False when the block holds no other record to its end. */
  next(): boolean {
    const { bytes } = this.#input;
    while (this.#at < bytes.length) {
      this.line = this.#nextLine;
      this.#start = this.#at;
      this.#isBroken = false;
      if (!this.#read(bytes)) return this.#unfinished(bytes);
      if (this.#isBlank && this.#width !== 1) continue;
      const isSound =
        this.fields.count === this.#width &&
        this.#width !== 1 &&
        this.#input.isValid &&
        !this.#isBroken;
      this.why = isSound ? null : this.#fault();
      return true;
    }
    return false;
  }

  /** What is wrong with a record that was read to its end. */
  #fault(): string | null {
    this.#hint = null;
    if (this.#isBroken) {
      this.#hint = "quote";
      return "text behind the closing quote of a field";
    }
    const { count } = this.fields;
    if (this.#width !== null && count !== this.#width) {
      this.#hint = this.#isMixed ? "line ends" : null;
      return `${count} ${count === 1 ? "field" : "fields"}, not ${this.#width}`;
    }
    if (!this.#input.isValid) {
      const invalid = this.#invalidField();
      if (invalid !== null) return invalid;
    }
    return this.#width === 1 ? this.#otherBreak() : null;
  }

  /** Which field has bytes that are no characters. */
  #invalidField(): string | null {
    const { starts, ends, count } = this.fields;
    for (let i = 0; i < count; i++) {
      const field = this.#input.bytes.subarray(starts[i], ends[i]);
      if (isUtf8(field)) continue;
      this.#hint = "encoding";
      return `field ${i + 1} has bytes that are no characters in this encoding`;
    }
    return null;
  }

  /** Rows of one field do not show by their width that a line ends in another way than the others. */
  #otherBreak(): string | null {
    if (!this.#isMixed) return null;
    this.#hint = "line ends";
    return "a line break within the field";
  }

  /** Whether a line break of the other kind stands outside of quotes. */
  get #isMixed(): boolean {
    const { starts, ends, quoted, count } = this.fields;
    const other = this.#newline === lineFeed ? carriageReturn : lineFeed;
    for (let i = 0; i < count; i++) {
      if (quoted[i] === 1) continue;
      if (this.#input.bytes.subarray(starts[i], ends[i]).includes(other)) return true;
    }
    return false;
  }

  /** The record that is not a row. */
  get bad(): BadRecord | null {
    const { line, why } = this;
    return why === null ? null : { line, lines: this.#nextLine - line, why, hint: this.#hint };
  }

  /**
   * Whether a quoted field runs over lines that would all be rows by themselves: then a quote may have opened it that is
   * a character like others.
   */
  get isDoubtful(): boolean {
    if (this.#nextLine - this.line < 2 || this.#width === null || this.#width === 1) return false;
    const { bytes } = this.#input;
    let fields = 1;
    for (let at = this.#start; at < this.#at; at++) {
      if (bytes[at] === this.#newline) {
        if (fields !== this.#width) return false;
        fields = 1;
      } else if (this.#isSeparator(bytes, at)) fields++;
    }
    return true;
  }

  /** The field as a string. */
  text(index: number): string {
    const { starts, ends, quoted } = this.fields;
    const { bytes, isAscii, isValid } = this.#input;
    // Cut out of one long string they are cheapest.
    let field: string;
    if (isValid) {
      this.#text ??= bytes.toString(isAscii ? "latin1" : "utf8");
      const start = this.#characterAt(starts[index] ?? 0);
      field = this.#text.slice(start, this.#characterAt(ends[index] ?? 0));
    } else field = bytes.toString("utf8", starts[index], ends[index]);
    return quoted[index] === 1 && field.includes('"') ? field.replaceAll('""', '"') : field;
  }

  /** Where in the text a byte's character is. Asked for in ascending order, it looks at each byte once. */
  #characterAt(byte: number): number {
    const { bytes, isAscii } = this.#input;
    if (isAscii) return byte;
    const isBehind = byte < this.#mappedByte;
    let at = isBehind ? 0 : this.#mappedByte;
    let character = isBehind ? 0 : this.#mappedCharacter;
    for (; at < byte; at++) {
      const code = bytes[at] ?? 0;
      // A character's first byte; with three others behind it, it is two UTF-16 units.
      if (code < 0x80 || code >= 0xc0) character += code >= 0xf0 ? 2 : 1;
    }
    this.#mappedByte = at;
    this.#mappedCharacter = character;
    return character;
  }

  get #isBlank(): boolean {
    const { count, starts, ends, quoted } = this.fields;
    return count === 1 && starts[0] === ends[0] && quoted[0] === 0;
  }

  /** The fields of the record at `#at`, and past it. False when a quote does not close before the block ends. */
  #read(bytes: Buffer): boolean {
    const { fields } = this;
    const newline = this.#newline;
    const quote = this.#quote;
    const isLf = newline !== carriageReturn;
    const separator = this.#separator[0];
    const separatorLength = this.#separator.length;
    let at = this.#at;
    let line = this.#nextLine;
    let count = 0;
    for (;;) {
      if (count === fields.starts.length) fields.grow();
      const { starts, ends, quoted } = fields;
      const from = at;
      let code = bytes[at];
      if (code === quote) {
        at = this.#closingQuote(bytes, from + 1);
        if (at === -1) return false;
        if (this.#isBroken) at = this.#brokenEnd(bytes, at);
        starts[count] = from + 1;
        ends[count] = at;
        quoted[count++] = 1;
        line += this.#breaks;
        if (this.#isBroken) break;
        code = bytes[++at];
        if (isLf && code === carriageReturn) code = bytes[++at];
      } else {
        // The block ends with a newline, so this ends too.
        while (code !== newline && (code !== separator || !this.#isSeparator(bytes, at))) {
          code = bytes[++at];
        }
        const isCrlf = isLf && code === newline && at > from && bytes[at - 1] === carriageReturn;
        starts[count] = from;
        ends[count] = isCrlf ? at - 1 : at;
        quoted[count++] = 0;
      }
      if (code === newline) break;
      at += separatorLength;
    }
    fields.count = count;
    this.#at = at + 1;
    this.#nextLine = line + 1;
    return true;
  }

  #isSeparator(bytes: Buffer, at: number): boolean {
    const separator = this.#separator;
    for (let i = 0; i < separator.length; i++) if (bytes[at + i] !== separator[i]) return false;
    return true;
  }

  /** The quote that ends the field, or -1 when the block ends first. `#isBroken` when the field goes on behind it. */
  #closingQuote(bytes: Buffer, from: number): number {
    const newline = this.#newline;
    this.#breaks = 0;
    for (let at = from; at < bytes.length; at++) {
      const code = bytes[at];
      if (code === newline) this.#breaks++;
      if (code !== doubleQuote) continue;
      const next = bytes[at + 1];
      if (next === newline || this.#isSeparator(bytes, at + 1)) return at;
      if (next === carriageReturn && bytes[at + 2] === newline) return at;
      if (next !== doubleQuote) {
        this.#isBroken = true;
        return at;
      }
      at++;
    }
    return -1;
  }

  /** The end of the line that a broken field's quote is on. */
  #brokenEnd(bytes: Buffer, quoteAt: number): number {
    return bytes.indexOf(this.#newline, quoteAt);
  }

  #unfinished(bytes: Buffer): boolean {
    if (!this.#input.isLast) return false;
    for (let at = this.#at; at < bytes.length; at++)
      if (bytes[at] === this.#newline) this.#nextLine++;
    this.#at = bytes.length;
    this.why = "a quoted field does not end";
    this.#hint = "quote";
    return true;
  }
}
