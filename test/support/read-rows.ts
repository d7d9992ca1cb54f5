import type { Cell } from "../../src/protocol/codec/row-batch-format.ts";
import type { RowBatch } from "../../src/protocol/codec/row-batch-reader.ts";
import { UnitItemReader } from "../../src/protocol/codec/unit-item.ts";

/** A row batch, decoded as in the writer. */
export function readRows(text: string): RowBatch {
  const item = new UnitItemReader().read(text);
  if (item.type !== "rows") throw new Error(`an item of type ${item.type}`);
  return item;
}

/**
 * The batch's cells by row, in column order; undefined for a column that a row does not name. Call it once per batch.
 */
export const rowsOf = ({ cells, columns, groups }: RowBatch): (Cell | undefined)[][] =>
  groups.flatMap((group) =>
    Array.from({ length: group.rowCount }, () => {
      const given: Cell[] = group.columns.map(() => null);
      cells.fill(given);
      return columns.map((name) => given[group.columns.indexOf(name)]);
    }),
  );
