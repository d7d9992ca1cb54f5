/** The row of a query that always has one: an aggregate without GROUP BY, or a PRAGMA. */
export function onlyRow<Row>(row: Row | null | undefined): Row {
  if (row === null || row === undefined) {
    throw new Error("Internal error: an aggregate or a PRAGMA without a row");
  }
  return row;
}
