// The values that the rows of `create: true` have, column by column: what the types of a new table are decided from. Counted
// per batch, after its cells are packed: rows of calls without `create` pay nothing for it.

import { foldCase } from "../base/fold-case.ts";
import { isNumericText } from "../base/affinity.ts";
import { shownValue } from "../base/describe-value.ts";
import { type ColumnValues, type ExampleValue, valueKinds } from "../protocol/column-values.ts";
import { cellKinds } from "../protocol/codec/row-batch-format.ts";
import type { RowBatchPacker } from "../protocol/codec/row-batch-packer.ts";

type Column = { readonly name: string; kinds: number; readonly examples: ExampleValue[] };

/** Signs, digits, the point and blanks have no code above that of `9`. */
const nine = 57;

export class SeenValues {
  /** By folded name. */
  readonly #columns = new Map<string, Column>();

  get columns(): readonly ColumnValues[] {
    return [...this.#columns.values()];
  }

  /**
   * Adds the batch that the packer holds.
   * @param names of its columns
   * @param firstRow index of its first row in the call
   */
  addBatch(cells: RowBatchPacker, names: readonly string[], firstRow: number): void {
    // Filled as values are seen: a column that no row gives is not made.
    const columns: (Column | undefined)[] = names.map(() => undefined);
    cells.forEach(names.length, (index, letter, value, row) => {
      const column = (columns[index] ??= this.#column(names[index] ?? ""));
      const kind = kindOf(letter, value, column.kinds);
      if ((column.kinds & kind) !== 0) return;
      column.kinds |= kind;
      column.examples.push({ kind, row: firstRow + row, shown: shownCell(letter, value) });
    });
  }

  #column(name: string): Column {
    const folded = foldCase(name);
    const known = this.#columns.get(folded);
    if (known !== undefined) return known;
    const column: Column = { name, kinds: 0, examples: [] };
    this.#columns.set(folded, column);
    return column;
  }

  /** Adds those of another call. */
  merge(other: SeenValues): void {
    for (const { name, kinds, examples } of other.columns) {
      const column = this.#column(name);
      for (const example of examples) {
        if ((column.kinds & example.kind) === 0) column.examples.push(example);
      }
      column.kinds |= kinds;
    }
  }
}

/**
 * @param letter one of `cellKinds`
 * @param seen the kinds of the column so far
 */
function kindOf(letter: number, value: number | string, seen: number): number {
  switch (letter) {
    case cellKinds.null:
      return valueKinds.null;
    case cellKinds.number:
      return Number.isSafeInteger(value) ? valueKinds.integer : valueKinds.real;
    case cellKinds.bigint:
      return Number.isSafeInteger(Number(value)) ? valueKinds.integer : valueKinds.bigInteger;
    case cellKinds.blob:
      return valueKinds.blob;
    default:
      // Beside such text, other text changes nothing: no column that keeps it changes the other.
      if ((seen & valueKinds.numericText) !== 0) return valueKinds.numericText;
      return looksNumeric(value as string) ? valueKinds.numericText : valueKinds.text;
  }
}

/** Most texts begin or end with a letter: only the others are worth a regular expression. */
const looksNumeric = (text: string): boolean =>
  text.charCodeAt(0) <= nine && text.charCodeAt(text.length - 1) <= nine && isNumericText(text);

function shownCell(letter: number, value: number | string): string {
  if (letter === cellKinds.null) return "NULL";
  if (letter === cellKinds.blob) return "a Uint8Array";
  // The digits come as text.
  return letter === cellKinds.bigint ? String(value) : shownValue(value);
}
