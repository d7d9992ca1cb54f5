// Rows of tasks, of which a test says only what it is about.

import type { History, TaskRow } from "../../../src/store/write/history.ts";

type Named = Pick<TaskRow, "id" | "name" | "key">;

/** The row of a first attempt that has cost nothing. */
export const taskRow = (row: Named & Partial<TaskRow> & Pick<TaskRow, "status">): TaskRow => ({
  attempt: 1,
  startedAt: null,
  finishedAt: null,
  result: null,
  failure: null,
  progress: 0,
  message: null,
  rows: 0,
  cpuMs: null,
  waitedMs: null,
  input: null,
  label: null,
  needs: null,
  worker: null,
  machine: null,
  position: 0,
  ...row,
});

type Done = Named & {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly result?: string;
};

/** The task is done, after a first attempt that has cost nothing. */
export function setDone(
  history: History,
  { id, name, key, startedAt, finishedAt, result = "null" }: Done,
): void {
  const nothing = [null, null, null, null, 0, null] as const;
  history.setDone(id, name, key, 1, startedAt, finishedAt, result, 0, undefined, 0, ...nothing);
}
