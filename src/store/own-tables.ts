// The names of pipeloom's own tables.

import { foldCase } from "../base/fold-case.ts";

/** Every name that any version of pipeloom uses in a database. */
export const ownTables = [
  "pipeloom_schema",
  "pipeloom_definitions",
  "pipeline_runs",
  "task_runs",
  "task_logs",
] as const;

export type OwnTable = (typeof ownTables)[number];

const names: readonly string[] = ownTables;

/** Without regard to case, as SQLite compares names. */
export const isOwnTable = (table: string): boolean => names.includes(foldCase(table));
