// The text format of a row batch: a mark, JSON, a NUL, the bytes of the numbers (one character per byte), and the strings
// of the cells, each after a separator.
//
// It is written and read once per cell of all data, so it exists for speed. One text is what a port takes fastest. Most
// cells are strings, and JSON.parse makes short strings slowly (it looks each up in a table of known strings): cutting
// them out of one long text costs a tenth. Numbers as decimals took a quarter of the packing time. A letter gives the
// kind of a cell and so the place of its value: one letter per column when all rows are alike, else one per cell.

import type { TaskId } from "../ids.ts";
import type { OnConflict } from "../writer-records.ts";

/** What is bound to a statement's parameter. */
export type Cell = string | number | bigint | Uint8Array | null;

/** Ends the JSON. JSON text never contains this character. */
export const jsonEnd = "\0";
/** Precedes each string. */
export const separator = "\u001f";
export const bytesPerNumber = 8;

const code = (letter: string): number => letter.charCodeAt(0);

/** The letter of each kind of cell. All kinds but the first three have a string. */
export const cellKinds = {
  /** The row does not give this column. */
  absent: code("-"),
  null: code("0"),
  number: code("n"),
  text: code("t"),
  /** A string that contains the separator, as JSON. */
  escaped: code("e"),
  bigint: code("i"),
  /** Base64. */
  blob: code("b"),
} as const;

/** The JSON of a row batch. */
export type RowBatchHead = {
  readonly type: "rows";
  readonly id: TaskId;
  readonly table: string;
  readonly onConflict: OnConflict;
  /** The union of the rows' columns. */
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** One letter per column, or one per cell. */
  readonly kinds: string;
  readonly numberCount: number;
};
