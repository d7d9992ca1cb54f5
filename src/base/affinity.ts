// What SQLite makes of a value that is stored in a column: the affinity of its declared type (https://sqlite.org/datatype3.html).

export type Affinity = "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC";

/** The affinity of a declared column type (section 3.1). In a STRICT table, ANY is BLOB. */
export function affinityOf(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes("INT")) return "INTEGER";
  if (/CHAR|CLOB|TEXT/.test(type)) return "TEXT";
  if (type.includes("BLOB") || type === "") return "BLOB";
  return /REAL|FLOA|DOUB/.test(type) ? "REAL" : "NUMERIC";
}

const numeric = /^[ \t-\r]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?[ \t-\r]*$/;

/** Text that a column of numbers converts to a number, such as `007` (section 3.3). */
export const isNumericText = (text: string): boolean => numeric.test(text);
