import type { TaskRow } from "./history.ts";

/** A later change of a task within one transaction. */
export const followed = (before: TaskRow, row: TaskRow): TaskRow => ({
  ...row,
  rows: before.rows + row.rows,
  waitedMs: row.waitedMs ?? before.waitedMs,
  input: row.input ?? before.input,
  label: row.label ?? before.label,
  needs: row.needs ?? before.needs,
});
