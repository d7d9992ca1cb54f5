// The states of a task and of a run, as the database stores them.

export const taskStatuses = ["queued", "running", "done", "error", "cancelled", "skipped"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export const isTaskStatus = (value: unknown): value is TaskStatus =>
  taskStatuses.some((status) => status === value);

/** The states that a task does not leave within one run. */
export type FinalStatus = Exclude<TaskStatus, "queued" | "running">;

/** A run that died keeps `running` in its row. Its free lock shows that it is dead (see store/lock.ts). */
export const runStatuses = ["running", "done", "error", "cancelled"] as const;
export type RunStatus = (typeof runStatuses)[number];

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
