// One part of a task's unit as one text, which is what a port takes fastest: a mark, JSON, and, if the part is rows, a NUL,
// the bytes of the numbers, a character each, and the strings of the cells, each behind a separator.
//
// This runs once per row and cell of all data. Strings are most of it, and JSON.parse makes short ones slowly (it looks
// each up in a table of known strings): cut out of one long text they cost a tenth. Numbers as decimals took a quarter
// of the packing. What kind a cell is of, and so where its value stands, is a letter: for each column when all rows are
// alike, else for each cell. The text is joined once and never put together again: each copy of it is new memory.

import { Buffer, JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import { type OnConflict, unitPartMark } from "../messages.ts";

/** What is bound to a statement's parameter. */
export type Cell = string | number | bigint | Uint8Array | null;

export type RowsPart = {
  readonly type: "rows";
  readonly id: TaskId;
  readonly table: string;
  readonly onConflict: OnConflict;
  /** The union of the rows' columns. */
  readonly columns: readonly string[];
  readonly rowCount: number;
  readonly runs: readonly RowsRun[];
  /** Good until the next part is read. */
  readonly cells: CellReader;
};

/** Rows of a part that follow one another and give the same columns. */
export type RowsRun = { readonly columns: readonly string[]; readonly rowCount: number };

export type EmitPart = {
  readonly type: "emit";
  readonly id: TaskId;
  readonly message: string;
  /** JSON text. */
  readonly payload: string;
};

export type UnitPart = RowsPart | EmitPart;

/** Ends the JSON: its text never has this character. */
const jsonEnd = "\0";
/** Stands before each string. */
const separator = "\u001f";
const bytesPerNumber = 8;

const code = (letter: string): number => letter.charCodeAt(0);

/** A letter for each kind of cell. All but the first three have a string. */
const kinds = {
  /** The row does not give this column. */
  absent: code("-"),
  null: code("0"),
  number: code("n"),
  text: code("t"),
  /** A string with a separator in it, as JSON. */
  escaped: code("e"),
  bigint: code("i"),
  /** Base64. */
  blob: code("b"),
} as const;

/** A rows part's JSON. */
type RowsHead = Omit<RowsPart, "cells" | "runs"> & {
  /** A letter for each column, or for each cell. */
  readonly kinds: string;
  readonly numberCount: number;
};

// ── packing ────────────────────────────────────────────────────────────────────────────────────────────

export const packEmit = (part: EmitPart): string => unitPartMark + JSON.stringify(part);

/** A text has half of a surrogate pair: SQLite's UTF-8 cannot hold it, and another character would be stored. */
export class IllFormedTextError extends Error {
  override readonly name = "IllFormedTextError";
  /** Of the part. */
  readonly row: number;
  readonly column: number;
  constructor(row: number, column: number) {
    super(`row ${row}, column ${column}: half of a surrogate pair`);
    this.row = row;
    this.column = column;
  }
}

/** Gathers the cells of one part, row after row. */
export class CellPacker {
  /** Longer than what they hold, all three. */
  #kinds = new Uint8Array(0);
  #numbers = new Float64Array(0);
  /** The first place is the JSON's. */
  readonly #pieces: string[] = [""];
  #size = 0;
  #numbersSize = 0;
  #piecesSize = 1;
  #textChars = 0;
  /** A cell whose text is ill-formed, where that was seen before the parts are joined. */
  #illFormed: number | undefined;

  /** About how long the part's text will be. */
  get chars(): number {
    return this.#textChars + bytesPerNumber * this.#numbersSize + this.#size;
  }

  text(value: string): void {
    if (value.includes(separator)) return this.#escaped(value);
    this.#string(kinds.text, value);
  }

  #escaped(value: string): void {
    if (!value.isWellFormed()) this.#illFormed ??= this.#size;
    this.#string(kinds.escaped, JSON.stringify(value));
  }

  number(value: number): void {
    this.#kind(kinds.number);
    if (this.#numbersSize === this.#numbers.length) this.#growNumbers();
    this.#numbers[this.#numbersSize++] = value;
  }

  bigint(value: bigint): void {
    this.#string(kinds.bigint, String(value));
  }

  blob(value: Uint8Array): void {
    this.#string(kinds.blob, value.toBase64());
  }

  null(): void {
    this.#kind(kinds.null);
  }

  absent(): void {
    this.#kind(kinds.absent);
  }

  /** The rows so far, of `before` cells each, get more, which they do not give, to be `width` wide. */
  widen(before: number, width: number, rows: number): void {
    if (before === width) return;
    const wider = new Uint8Array(rows * width).fill(kinds.absent);
    for (let row = 0; row < rows; row++) {
      wider.set(this.#kinds.subarray(row * before, (row + 1) * before), row * width);
    }
    this.#kinds = wider;
    this.#size = rows * width;
  }

  /**
   * The part; the next one begins.
   * @param head the beginning of its JSON: `{"type":"rows","id":…`
   * @throws IllFormedTextError
   */
  take(head: string, columns: readonly string[], rowCount: number): string {
    const json = `${head},"columns":${JSON.stringify(columns)},"rowCount":${rowCount},"kinds":"${this.#letters(columns.length)}","numberCount":${this.#numbersSize}}`;
    const bytes = Buffer.from(this.#numbers.buffer, 0, this.#numbersSize * bytesPerNumber);
    this.#pieces[0] = `${unitPartMark}${json}${jsonEnd}${bytes.toString("latin1")}`;
    // The next part fills the same places: a list that is emptied grows anew.
    if (this.#pieces.length > this.#piecesSize) this.#pieces.length = this.#piecesSize;
    const text = this.#pieces.join(separator);
    // Once for the whole text: that costs nothing where all of it is Latin-1, and little elsewhere.
    if (this.#illFormed !== undefined || !text.isWellFormed()) throw this.#explain(columns.length);
    this.#size = 0;
    this.#numbersSize = 0;
    this.#piecesSize = 1;
    this.#textChars = 0;
    return text;
  }

  #explain(width: number): IllFormedTextError {
    const cell = this.#illFormed ?? this.#illFormedCell();
    return new IllFormedTextError(Math.floor(cell / width), cell % width);
  }

  #illFormedCell(): number {
    let piece = 0;
    for (let cell = 0; cell < this.#size; cell++) {
      const kind = this.#kinds[cell];
      if (kind === kinds.absent || kind === kinds.null || kind === kinds.number) continue;
      if (this.#pieces[++piece]?.isWellFormed() === false) return cell;
    }
    throw new Error("Internal error: a part's text is ill-formed, and no cell of it is");
  }

  #growNumbers(): void {
    const before = this.#numbers;
    this.#numbers = new Float64Array(Math.max(8, before.length * 2));
    this.#numbers.set(before);
  }

  #kind(kind: number): void {
    if (this.#size === this.#kinds.length) this.#growKinds();
    this.#kinds[this.#size++] = kind;
  }

  #growKinds(): void {
    const before = this.#kinds;
    this.#kinds = new Uint8Array(Math.max(8, before.length * 2));
    this.#kinds.set(before);
  }

  #string(kind: number, text: string): void {
    this.#kind(kind);
    this.#pieces[this.#piecesSize++] = text;
    this.#textChars += text.length;
  }

  #letters(width: number): string {
    const size = this.#areAlike(width) ? Math.min(width, this.#size) : this.#size;
    return Buffer.from(this.#kinds.buffer, 0, size).toString("latin1");
  }

  #areAlike(width: number): boolean {
    for (let i = width; i < this.#size; i++) {
      if (this.#kinds[i] !== this.#kinds[i - width]) return false;
    }
    return true;
  }
}

// ── reading ────────────────────────────────────────────────────────────────────────────────────────────

/** @param post with its mark */
export function readPart(post: string): UnitPart {
  const pieces = takeApart(post);
  if (pieces.type === "emit") return pieces;
  const { type, id, table, onConflict, columns, rowCount } = pieces.head;
  const runs = runsOf(pieces.head);
  return { type, id, table, onConflict, columns, rowCount, runs, cells: new CellReader(pieces) };
}

function runsOf({ kinds: letters, columns, rowCount }: RowsHead): readonly RowsRun[] {
  if (!letters.includes("-")) return [{ columns, rowCount }];
  const given = new GivenColumns(letters, columns);
  if (letters.length === columns.length) return [{ columns: given.at(0), rowCount }];
  const runs: { readonly columns: readonly string[]; rowCount: number }[] = [];
  let last: { readonly columns: readonly string[]; rowCount: number } | undefined;
  for (let row = 0; row < rowCount; row++) {
    const of = given.at(row);
    if (last?.columns === of) last.rowCount++;
    else runs.push((last = { columns: of, rowCount: 1 }));
  }
  return runs;
}

/** Which columns each row gives; the same list for rows that give the same. */
class GivenColumns {
  readonly #letters: string;
  readonly #columns: readonly string[];
  readonly #lists = new Map<string, readonly string[]>();

  constructor(letters: string, columns: readonly string[]) {
    this.#letters = letters;
    this.#columns = columns;
  }

  at(row: number): readonly string[] {
    const start = row * this.#columns.length;
    const letters = this.#letters.slice(start, start + this.#columns.length);
    let list = this.#lists.get(letters);
    if (list === undefined) {
      list = this.#listOf(letters);
      this.#lists.set(letters, list);
    }
    return list;
  }

  /** Other letters may stand for the same columns. */
  #listOf(letters: string): readonly string[] {
    const mask = letters.replaceAll(/[^-]/g, "x");
    const known = this.#lists.get(mask);
    if (known !== undefined) return known;
    const list = this.#columns.filter((_, i) => letters[i] !== "-");
    this.#lists.set(mask, list);
    return list;
  }
}

type RowsPieces = {
  readonly type: "rows";
  readonly head: RowsHead;
  /** The numbers', a character each. */
  readonly bytes: string;
  /** From the second on: something stands before the first separator. */
  readonly strings: readonly string[];
};

function takeApart(post: string): RowsPieces | EmitPart {
  const end = post.indexOf(jsonEnd);
  if (end === -1) return JSON.parse(post.slice(unitPartMark.length)) as EmitPart;
  const head = JSON.parse(post.slice(unitPartMark.length, end)) as RowsHead;
  const bytesEnd = end + jsonEnd.length + head.numberCount * bytesPerNumber;
  return {
    type: "rows",
    head,
    bytes: post.slice(end + jsonEnd.length, bytesEnd),
    strings: post.slice(bytesEnd).split(separator),
  };
}

/** The numbers of the part that is being read; grown as needed. */
let scratch = new Float64Array(1024);

/** Good until the next call. */
function readNumbers(bytes: string, count: number): Float64Array {
  if (scratch.length < count) scratch = new Float64Array(count * 2);
  Buffer.from(scratch.buffer).write(bytes, "latin1");
  return scratch;
}

/** Hands out a part's cells, row after row. Arrays of all of them would be most of what the writer's heap collects. */
export class CellReader {
  readonly #kinds: string;
  readonly #numbers: Float64Array;
  readonly #strings: readonly string[];
  #kind = 0;
  #number = 0;
  /** Something stands before the first separator. */
  #string = 1;

  constructor({ head, bytes, strings }: RowsPieces) {
    this.#kinds = head.kinds;
    this.#numbers = readNumbers(bytes, head.numberCount);
    this.#strings = strings;
  }

  /** Fills `cells` with as many as it holds; what a row does not give has no place there. */
  fill(cells: Cell[]): void {
    const letters = this.#kinds;
    const numbers = this.#numbers;
    const strings = this.#strings;
    let letter = this.#kind;
    let number = this.#number;
    let string = this.#string;
    for (let i = 0; i < cells.length; i++) {
      const kind = letters.charCodeAt(letter);
      if (kind === kinds.text) cells[i] = strings[string++] as string;
      else if (kind === kinds.number) cells[i] = numbers[number++] as number;
      else if (kind === kinds.null) cells[i] = null;
      else if (kind === kinds.absent) i--;
      else cells[i] = readUnusual(kind, strings[string++] as string);
      if (++letter === letters.length) letter = 0;
    }
    this.#kind = letter;
    this.#number = number;
    this.#string = string;
  }
}

function readUnusual(kind: number, text: string): Cell {
  switch (kind) {
    case kinds.escaped:
      return JSON.parse(text) as string;
    case kinds.bigint:
      return BigInt(text);
    case kinds.blob:
      return Uint8Array.fromBase64(text);
    default:
      throw new Error(`Internal error: a cell of kind ${kind}`);
  }
}
