// What the server tells of a run's progress: how fast it is, and what time is left. Types only; times are epoch ms, durations ms.

import type { OfTasks } from "./contract.ts";

/** `/data/runs/:id/progress`. Null: not known. */
export type ProgressView = OfTasks & {
  /** That its tasks have written. */
  readonly rows: number | null;
  /** Of a run that runs: in its last 30 s, or in those before `asOf` where it is faster than it is read. Of another: while its tasks ran. */
  readonly rowsPerSecond: number | null;
  readonly tasksPerSecond: number | null;
  /** From what earlier runs took, or else from the tasks per second. Of a run that runs. */
  readonly remainingMs: number | null;
  /** How long at least one task ran: a run may be continued a week later. */
  readonly activeMs: number | null;
  /** When a task last began or ended; while tasks run, the time of the answer. */
  readonly lastAt: number | null;
};
