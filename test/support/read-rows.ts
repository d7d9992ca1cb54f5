import { type Cell, readPart, type RowsPart } from "../../src/protocol/codec/row-batch.ts";

/** The rows of a part, as the writer reads it. */
export function readRows(post: string): RowsPart {
  const part = readPart(post);
  if (part.type !== "rows") throw new Error(`a part of type ${part.type}`);
  return part;
}

/** Its cells, row by row, under the part's columns; what a row does not give is undefined. Once. */
export const rowsOf = ({ cells, columns, runs }: RowsPart): (Cell | undefined)[][] =>
  runs.flatMap((run) =>
    Array.from({ length: run.rowCount }, () => {
      const given: Cell[] = run.columns.map(() => null);
      cells.fill(given);
      return columns.map((name) => given[run.columns.indexOf(name)]);
    }),
  );
