// The states a task and a run can be in, as they stand in the database.

export const taskStatuses = ["queued", "running", "done", "error", "cancelled", "skipped"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** The states a task does not leave within one run. */
export type FinalStatus = Exclude<TaskStatus, "queued" | "running">;

/** A run that died keeps `running` in its row; its lock being free tells (see writer/lock.ts). */
export const runStatuses = ["running", "done", "error", "cancelled"] as const;
export type RunStatus = (typeof runStatuses)[number];

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
