// What the server tells of rows: what a run has written by when, the tables of the database, and what SQL reads. Types only; times are
// epoch ms, durations ms.

import type { OfTasks } from "./contract.ts";

/** `/data/runs/:id/rows`: how many rows a run had written by when, by definition. */
export type RowsView = OfTasks & {
  /** Epoch ms. */
  readonly times: readonly number[];
  /** Those that wrote most, and the others together; each as long as `times`. */
  readonly lines: readonly { readonly name: string; readonly rows: readonly number[] }[];
};

/** `/data/tables`: the tables of the database that are not pipeloom's own. */
export type TablesView = { readonly tables: readonly TableView[] };

export type TableView = {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Why it cannot be read: a view of what is not there any more. */
  readonly problem: string | null;
  /** Rows; null where counting takes too long, or where it cannot be read. */
  readonly rows: number | null;
  /** Null where it is not known: only pipelines with `reuse` keep it, and other programs may write too. */
  readonly lastWrite: {
    readonly run: number;
    readonly definition: string;
    readonly at: number;
  } | null;
};

/** `POST /data/sql`, of `{ sql }`. */
export type SqlAnswer = {
  /** One row each, as JSON objects with equal keys: text, because a browser's numbers have 53 bits. */
  readonly lines: readonly string[];
  /** There are more rows than are sent. */
  readonly isCut: boolean;
  readonly tookMs: number;
};
