// The kinds of the values in a column, for `create: true`: which type keeps all of them, and which of them a column would change.
// The rule is that of the CSV importer (formats/csv/types.ts): a type is chosen only if it changes no value.

import type { Affinity } from "../base/affinity.ts";
import type { TaskId } from "./ids.ts";

/** One bit per kind, so that a column's kinds are a bit set. */
export const valueKinds = {
  null: 1,
  /** An integer that a double represents exactly. */
  integer: 2,
  /** An integer beyond 2^53. */
  bigInteger: 4,
  real: 8,
  text: 16,
  /** Text that a column of numbers converts. */
  numericText: 32,
  blob: 64,
} as const;

/** The first value of a kind. `row`: its index in the rows of its call. */
export type ExampleValue = { readonly kind: number; readonly row: number; readonly shown: string };

export type ColumnValues = {
  readonly name: string;
  /** Bit set of `valueKinds`. */
  readonly kinds: number;
  readonly examples: readonly ExampleValue[];
};

/** An item of a unit: the table that its rows go to, and all that they have in it. It precedes the rows. */
export type WantedTable = {
  readonly type: "table";
  readonly id: TaskId;
  readonly table: string;
  readonly call: "insert" | "upsert";
  /** Primary key of the table, if it is made; empty for none. */
  readonly key: readonly string[];
  readonly columns: readonly ColumnValues[];
};

type CreatedType = "INTEGER" | "REAL" | "TEXT" | "BLOB" | "";

/** No type (`""`) keeps every value as it is: for values of several kinds, and where there are only NULLs. */
export function typeOfValues(kinds: number): CreatedType {
  const { integer, bigInteger, real, text, numericText, blob } = valueKinds;
  const given = kinds & ~valueKinds.null;
  if (given === 0) return "";
  if ((given & ~(integer | bigInteger)) === 0) return "INTEGER";
  if ((given & ~(integer | real)) === 0) return "REAL";
  if ((given & ~(text | numericText)) === 0) return "TEXT";
  return given === blob ? "BLOB" : "";
}

/** Bit set of the kinds that a column of this affinity stores as another value, or as one of another type. */
export function changedKinds(affinity: Affinity): number {
  switch (affinity) {
    case "INTEGER":
    case "NUMERIC":
      return valueKinds.numericText;
    case "REAL":
      return valueKinds.numericText | valueKinds.bigInteger;
    case "TEXT":
      return valueKinds.integer | valueKinds.bigInteger | valueKinds.real;
    case "BLOB":
      return 0;
  }
}
