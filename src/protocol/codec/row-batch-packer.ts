// Packs the rows of one batch into its text (row-batch-format.ts), cell by cell.

import { Buffer, JSON } from "../../base/globals.ts";
import { unitItemMark } from "../writer-records.ts";
import { bytesPerNumber, cellKinds, jsonEnd, separator } from "./row-batch-format.ts";

/** A string has half of a surrogate pair. UTF-8 has no such character, so SQLite would store another one. */
export class IllFormedTextError extends Error {
  override readonly name = "IllFormedTextError";
  /** Index within the batch. */
  readonly row: number;
  readonly column: number;
  constructor(row: number, column: number) {
    super(`row ${row}, column ${column}: half of a surrogate pair`);
    this.row = row;
    this.column = column;
  }
}

/** Collects the cells of one batch after another, row by row. */
export class RowBatchPacker {
  // The three buffers are reused by the next batch, so they may be longer than their contents.
  #kinds = new Uint8Array(0);
  #numbers = new Float64Array(0);
  /** The first element is for the JSON and the numbers. */
  readonly #pieces: string[] = [""];
  #size = 0;
  #numbersSize = 0;
  #piecesSize = 1;
  #textChars = 0;
  /** Index of the first ill-formed cell, if that was found before the pieces are joined: JSON escapes its text. */
  #illFormed: number | undefined;

  /** Estimated length of the batch's text. */
  get chars(): number {
    return this.#textChars + bytesPerNumber * this.#numbersSize + this.#size;
  }

  text(value: string): void {
    if (value.includes(separator)) return this.#escaped(value);
    this.#string(cellKinds.text, value);
  }

  #escaped(value: string): void {
    if (!value.isWellFormed()) this.#illFormed ??= this.#size;
    this.#string(cellKinds.escaped, JSON.stringify(value));
  }

  number(value: number): void {
    this.#kind(cellKinds.number);
    if (this.#numbersSize === this.#numbers.length) this.#growNumbers();
    this.#numbers[this.#numbersSize++] = value;
  }

  bigint(value: bigint): void {
    this.#string(cellKinds.bigint, String(value));
  }

  blob(value: Uint8Array): void {
    this.#string(cellKinds.blob, value.toBase64());
  }

  null(): void {
    this.#kind(cellKinds.null);
  }

  absent(): void {
    this.#kind(cellKinds.absent);
  }

  /** Appends absent cells to each of the `rows` rows so far, from `before` to `width` cells. */
  widen(before: number, width: number, rows: number): void {
    if (before === width) return;
    const wider = new Uint8Array(rows * width).fill(cellKinds.absent);
    for (let row = 0; row < rows; row++) {
      wider.set(this.#kinds.subarray(row * before, (row + 1) * before), row * width);
    }
    this.#kinds = wider;
    this.#size = rows * width;
  }

  /**
   * Calls `see` for each cell that is not absent, with its kind and its number or string (null: "").
   * @param width number of columns
   */
  forEach(
    width: number,
    see: (column: number, kind: number, value: number | string, row: number) => void,
  ): void {
    let [number, piece, column, row] = [0, 0, 0, 0];
    for (let cell = 0; cell < this.#size; cell++) {
      const kind = this.#kinds[cell] as number;
      if (kind === cellKinds.number) see(column, kind, this.#numbers[number++] as number, row);
      else if (kind === cellKinds.null) see(column, kind, "", row);
      else if (kind !== cellKinds.absent) see(column, kind, this.#pieces[++piece] as string, row);
      if (++column < width) continue;
      column = 0;
      row++;
    }
  }

  /**
   * The text of the batch. The packer is empty afterwards.
   * @param head the beginning of the JSON: `{"type":"rows","id":…`
   * @throws IllFormedTextError
   */
  take(head: string, columns: readonly string[], rowCount: number): string {
    const json = `${head},"columns":${JSON.stringify(columns)},"rowCount":${rowCount},"kinds":"${this.#letters(columns.length)}","numberCount":${this.#numbersSize}}`;
    const bytes = Buffer.from(this.#numbers.buffer, 0, this.#numbersSize * bytesPerNumber);
    this.#pieces[0] = `${unitItemMark}${json}${jsonEnd}${bytes.toString("latin1")}`;
    // The next batch overwrites the list: an emptied list would have to grow again.
    if (this.#pieces.length > this.#piecesSize) this.#pieces.length = this.#piecesSize;
    const text = this.#pieces.join(separator);
    // Checked once for the whole text: free when all of it is Latin-1, and cheap otherwise. The text is joined only once
    // and never concatenated: each copy of it is new memory.
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
      if (kind === cellKinds.absent || kind === cellKinds.null || kind === cellKinds.number)
        continue;
      if (this.#pieces[++piece]?.isWellFormed() === false) return cell;
    }
    throw new Error("Internal error: the text of a row batch is ill-formed, and no cell of it is");
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
