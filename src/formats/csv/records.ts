// CSV parser (RFC 4180): bytes → offsets of records and fields. Pure, one pass, creates no strings. The caller slices
// the fields it needs, or classifies them by their bytes.

import { isUtf8 } from "node:buffer";

import type { BadRecord, BadRecordHint } from "./bad-record.ts";
import { Fields } from "./fields.ts";

export type Dialect = {
  /** A single character. */
  readonly separator: string;
  /** `"\n"` includes `\r\n`. `"\r"` is for files of classic Mac OS. */
  readonly newline: "\n" | "\r";
  /** Whether a quote at the beginning of a field opens a quoted field. */
  readonly quote: Quote;
};

export const quotes = ["double", "none"] as const;
export type Quote = (typeof quotes)[number];

/** A block of UTF-8 that ends with a newline. */
export type RecordsInput = {
  readonly bytes: Buffer;
  /** All bytes are ASCII, so one byte is one character. */
  readonly isAscii: boolean;
  /** All bytes are valid UTF-8. */
  readonly isValid: boolean;
  /** The file ends here: an incomplete record at the end is bad, not the beginning of one. */
  readonly isLast: boolean;
};

const doubleQuote = 34;
/** Equal to no byte. */
const noQuote = -1;
const lineFeed = 10;
const carriageReturn = 13;

/**
 * Reads one record after the other.
 * - Blank lines are skipped, except where a row has one field.
 * - A quote opens a quoted field only at the field's first byte; elsewhere it is a plain character.
 * - Text after a closing quote is ambiguous. The record is bad, and it ends at the end of that line.
 */
export class RecordReader {
  readonly fields = new Fields();
  /** First line of the record. */
  line: number;
  /** Why the record is not a row; null for a row. */
  why: string | null = null;
  #hint: BadRecordHint | null = null;
  /** Number of fields in a row; null: any. */
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
  /** The block as a string, decoded on first use. */
  #text: string | undefined;
  /** Cache for `#characterAt`: a byte offset and its character offset. */
  #mappedByte = 0;
  #mappedCharacter = 0;
  #at = 0;
  /** The line at `#at`. */
  #nextLine: number;
  /** First byte of the record. */
  #start = 0;
  /** Line breaks within the last quoted field. */
  #breaks = 0;
  /** Text follows the closing quote of that field. */
  #isBroken = false;

  constructor(dialect: Dialect, width: number | null, line = 1) {
    this.#separator = Buffer.from(dialect.separator);
    this.#newline = dialect.newline.charCodeAt(0);
    this.#quote = dialect.quote === "none" ? noQuote : doubleQuote;
    this.#width = width;
    this.line = line;
    this.#nextLine = line;
  }

  /** Sets the block to read. A record begins at its first byte. */
  open(input: RecordsInput): void {
    if (input.bytes.at(-1) !== this.#newline) throw new Error("a block must end with a newline");
    this.#input = input;
    this.#text = undefined;
    this.#at = 0;
    this.#mappedByte = 0;
    this.#mappedCharacter = 0;
  }

  /** Bytes read from the block. A record that starts here is incomplete. */
  get end(): number {
    return this.#at;
  }

  /** The line after the last record. */
  get nextLine(): number {
    return this.#nextLine;
  }

  /** Reads the next record. False: the block has no further complete record. */
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
        !this.#isBroken &&
        !this.#beginsWithOtherBreak;
      this.why = isSound ? null : this.#fault();
      return true;
    }
    return false;
  }

  /** Why a complete record is not a row; null for a row. */
  #fault(): string | null {
    this.#hint = null;
    if (this.#isBroken) {
      this.#hint = "quote";
      return "text after the closing quote of a field";
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
    if (this.#beginsWithOtherBreak) {
      this.#hint = "line ends";
      return "a line break before the first field";
    }
    return this.#width === 1 ? this.#otherBreak() : null;
  }

  /** Lines end with CR, and this one ended with CRLF: the field count does not reveal it. */
  get #beginsWithOtherBreak(): boolean {
    return this.#newline === carriageReturn && this.#input.bytes[this.#start] === lineFeed;
  }

  /** Finds the field with invalid bytes. */
  #invalidField(): string | null {
    const { starts, ends, count } = this.fields;
    for (let i = 0; i < count; i++) {
      const field = this.#input.bytes.subarray(starts[i], ends[i]);
      if (isUtf8(field)) continue;
      this.#hint = "encoding";
      return `field ${i + 1} has bytes that are not valid in this encoding`;
    }
    return null;
  }

  /** With one field per row, the field count does not reveal a line that ends with the other line break. */
  #otherBreak(): string | null {
    if (!this.#isMixed) return null;
    this.#hint = "line ends";
    return "a line break within the field";
  }

  /** Whether an unquoted field contains the other kind of line break. */
  get #isMixed(): boolean {
    const { starts, ends, quoted, count } = this.fields;
    const other = this.#newline === lineFeed ? carriageReturn : lineFeed;
    for (let i = 0; i < count; i++) {
      if (quoted[i] === 1) continue;
      if (this.#input.bytes.subarray(starts[i], ends[i]).includes(other)) return true;
    }
    return false;
  }

  /** The current record if it is not a row. */
  get bad(): BadRecord | null {
    const { line, why } = this;
    return why === null ? null : { line, lines: this.#nextLine - line, why, hint: this.#hint };
  }

  /**
   * Whether each line of a multi-line record would be a row by itself. Then the opening quote may be a plain character.
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
    // Slicing one long string is the cheapest way to get field strings.
    let field: string;
    if (isValid) {
      this.#text ??= bytes.toString(isAscii ? "latin1" : "utf8");
      const start = this.#characterAt(starts[index] ?? 0);
      field = this.#text.slice(start, this.#characterAt(ends[index] ?? 0));
    } else field = bytes.toString("utf8", starts[index], ends[index]);
    return quoted[index] === 1 && field.includes('"') ? field.replaceAll('""', '"') : field;
  }

  /** Byte offset → character offset. Calls in ascending order scan each byte once. */
  #characterAt(byte: number): number {
    const { bytes, isAscii } = this.#input;
    if (isAscii) return byte;
    const isBehind = byte < this.#mappedByte;
    let at = isBehind ? 0 : this.#mappedByte;
    let character = isBehind ? 0 : this.#mappedCharacter;
    for (; at < byte; at++) {
      const code = bytes[at] ?? 0;
      // First byte of a character. A four-byte character is two UTF-16 units.
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

  /** Reads the fields of the record at `#at` and moves past it. False: a quote is not closed before the block ends. */
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
        // Terminates: the block ends with a newline.
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

  /** Offset of the closing quote, or -1 when the block ends first. Sets `#isBroken` when text follows the quote. */
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

  /** End of the line that contains the quote of a broken field. */
  #brokenEnd(bytes: Buffer, quoteAt: number): number {
    return bytes.indexOf(this.#newline, quoteAt);
  }

  #unfinished(bytes: Buffer): boolean {
    if (!this.#input.isLast) return false;
    for (let at = this.#at; at < bytes.length; at++)
      if (bytes[at] === this.#newline) this.#nextLine++;
    this.#at = bytes.length;
    this.why = "the quote of a field is not closed";
    this.#hint = "quote";
    return true;
  }
}
