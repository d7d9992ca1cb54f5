// What the server tells of a run's progress: how fast it is, and what it has written. Types only; times are epoch ms, durations ms.

import type { OfTasks } from "./contract.ts";

/** `/data/runs/:id/progress`. Null: not known. */
export type ProgressView = OfTasks & {
  /** That its tasks have written. */
  readonly rows: number | null;
  /** Of a run that runs: in its last 30 s. Of another: while its tasks ran. */
  readonly rowsPerSecond: number | null;
  readonly tasksPerSecond: number | null;
  /** From what earlier runs took, or else from the tasks per second. Of a run that runs. */
  readonly remainingMs: number | null;
  /** How long at least one task ran: a run may be continued a week later. */
  readonly activeMs: number | null;
  /** When a task last began or ended; while tasks run, the time of the answer. */
  readonly lastAt: number | null;
};

/** `/data/runs/:id/rows`: how many rows a run had written by when, by definition. */
export type RowsView = OfTasks & {
  /** Epoch ms. */
  readonly times: readonly number[];
  /** Those that wrote most, and the others together; each as long as `times`. */
  readonly lines: readonly { readonly name: string; readonly rows: readonly number[] }[];
};
