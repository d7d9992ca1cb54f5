// Reads the text of a row batch (row-batch-format.ts).

import { Buffer, JSON } from "../../base/globals.ts";
import { unitItemMark } from "../writer-records.ts";
import {
  bytesPerNumber,
  type Cell,
  cellKinds,
  jsonEnd,
  type RowBatchHead,
  separator,
} from "./row-batch-format.ts";

const nullLetter = String.fromCharCode(cellKinds.null);

export type RowBatch = Omit<RowBatchHead, "kinds" | "numberCount"> & {
  readonly groups: readonly RowGroup[];
  /** Valid until the next batch is read. */
  readonly cells: CellReader;
};

/** Consecutive rows of a batch that give the same columns. */
type RowGroup = { readonly columns: readonly string[]; readonly rowCount: number };

export class RowBatchReader {
  /** The numbers of the batch that is being read. Reused, and grown as needed. */
  #numbers = new Float64Array(1024);

  /**
   * @param text with its mark
   * @param end where its JSON ends
   */
  read(text: string, end: number): RowBatch {
    const head = JSON.parse(text.slice(unitItemMark.length, end)) as RowBatchHead;
    const { type, id, table, onConflict, columns, rowCount, kinds, numberCount } = head;
    const bytesEnd = end + jsonEnd.length + numberCount * bytesPerNumber;
    const numbers = this.#readNumbers(text.slice(end + jsonEnd.length, bytesEnd), numberCount);
    const cells = new CellReader(kinds, numbers, text.slice(bytesEnd).split(separator));
    return { type, id, table, onConflict, columns, rowCount, groups: groupsOf(head), cells };
  }

  #readNumbers(bytes: string, count: number): Float64Array {
    if (this.#numbers.length < count) this.#numbers = new Float64Array(count * 2);
    Buffer.from(this.#numbers.buffer).write(bytes, "latin1");
    return this.#numbers;
  }
}

function groupsOf({ kinds, columns, rowCount }: RowBatchHead): readonly RowGroup[] {
  if (!kinds.includes("-")) return [{ columns, rowCount }];
  const given = new GivenColumns(kinds, columns);
  if (kinds.length === columns.length) return [{ columns: given.at(0), rowCount }];
  const groups: { readonly columns: readonly string[]; rowCount: number }[] = [];
  let last: { readonly columns: readonly string[]; rowCount: number } | undefined;
  for (let row = 0; row < rowCount; row++) {
    const columnsOfRow = given.at(row);
    if (last?.columns === columnsOfRow) last.rowCount++;
    else groups.push((last = { columns: columnsOfRow, rowCount: 1 }));
  }
  return groups;
}

/** The columns that each row gives. Rows that give the same columns get the same list. */
class GivenColumns {
  readonly #kinds: string;
  readonly #columns: readonly string[];
  /** By the letters of a row, and by its mask (`x` for a given column). */
  readonly #lists = new Map<string, readonly string[]>();

  constructor(kinds: string, columns: readonly string[]) {
    this.#kinds = kinds;
    this.#columns = columns;
  }

  at(row: number): readonly string[] {
    const start = row * this.#columns.length;
    const letters = this.#kinds.slice(start, start + this.#columns.length);
    let list = this.#lists.get(letters);
    if (list === undefined) {
      list = this.#listOf(letters);
      this.#lists.set(letters, list);
    }
    return list;
  }

  /** Different letters may give the same columns. */
  #listOf(letters: string): readonly string[] {
    const mask = letters.replaceAll(/[^-]/g, "x");
    const known = this.#lists.get(mask);
    if (known !== undefined) return known;
    const list = this.#columns.filter((_, i) => letters[i] !== "-");
    this.#lists.set(mask, list);
    return list;
  }
}

/** Hands out the cells of a batch, row by row. Arrays of all cells would be most of what the writer's heap collects. */
export class CellReader {
  readonly #kinds: string;
  readonly #numbers: Float64Array;
  readonly #strings: readonly string[];
  #kind = 0;
  #number = 0;
  #string = 1;

  /** @param strings the first one precedes the first separator and is no cell's */
  constructor(kinds: string, numbers: Float64Array, strings: readonly string[]) {
    this.#kinds = kinds;
    this.#numbers = numbers;
    this.#strings = strings;
  }

  /**
   * Whether a row has NULL in one of the columns at these indexes.
   * @param width number of columns
   */
  hasNullAt(columns: readonly number[], width: number): boolean {
    const letters = this.#kinds;
    if (!letters.includes(nullLetter)) return false;
    return columns.some((column) => {
      for (let i = column; i < letters.length; i += width) {
        if (letters.charCodeAt(i) === cellKinds.null) return true;
      }
      return false;
    });
  }

  /** Fills the whole array with the next cells. Absent cells are skipped. */
  fill(cells: Cell[]): void {
    const letters = this.#kinds;
    const numbers = this.#numbers;
    const strings = this.#strings;
    let letter = this.#kind;
    let number = this.#number;
    let string = this.#string;
    for (let i = 0; i < cells.length; i++) {
      const kind = letters.charCodeAt(letter);
      if (kind === cellKinds.text) cells[i] = strings[string++] as string;
      else if (kind === cellKinds.number) cells[i] = numbers[number++] as number;
      else if (kind === cellKinds.null) cells[i] = null;
      else if (kind === cellKinds.absent) i--;
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
    case cellKinds.escaped:
      return JSON.parse(text) as string;
    case cellKinds.bigint:
      return BigInt(text);
    case cellKinds.blob:
      return Uint8Array.fromBase64(text);
    default:
      throw new Error(`Internal error: a cell of kind ${kind}`);
  }
}
