// What a report has inside: the answers of the server for one run, and its tasks and log lines, from which the page makes the others.

import type { LogLine, TaskBrief, TaskView } from "./contract.ts";

export type ReportData = {
  /** The address that it opens with: `/runs/12`. */
  readonly entry: string;
  readonly run: number;
  readonly madeAt: number;
  /** By their addresses. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** By id; failed ones are all there, up to a bound, and of the others the first. */
  readonly tasks: readonly TaskBrief[];
  /** How many the run has. */
  readonly totalTasks: number;
  /** Tasks with all that is known of them, by id. */
  readonly details: Readonly<Record<number, TaskView>>;
  /** The last lines of the run, oldest first. */
  readonly logs: readonly LogLine[];
  readonly hasEarlierLogs: boolean;
};
