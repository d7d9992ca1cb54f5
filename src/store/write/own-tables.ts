// The tables of pipeloom's own in a file.

import { foldCase } from "../../base/fold-case.ts";

/** Every name that any version of pipeloom takes in a file. */
export const ownTables = ["pipeloom_schema", "pipeline_runs", "task_runs", "task_logs"] as const;

const names: readonly string[] = ownTables;

export const isOwnTable = (table: string): boolean => names.includes(foldCase(table));
