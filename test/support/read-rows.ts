import { type Cell, readPart, type RowsPart } from "../../src/protocol/unit-part.ts";

/** The rows of a part, as the writer reads it. */
export function readRows(post: string): RowsPart {
  const part = readPart(post);
  if (part.type !== "rows") throw new Error(`a part of type ${part.type}`);
  return part;
}

/** Its cells, row by row; once. */
export const rowsOf = ({ cells, columns, rowCount }: RowsPart): Cell[][] =>
  Array.from({ length: rowCount }, () => {
    const row: Cell[] = columns.map(() => null);
    cells.fill(row);
    return row;
  });
