// Branded ids: the compiler refuses a plain number for an id, and a run's id for a task's.

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** `pipeline_runs.id`: a rowid, unique in one database file. */
export type RunId = Branded<"RunId">;
/** `task_runs.id`: 1, 2, 3 …, unique in one run. */
export type TaskId = Branded<"TaskId">;
/** Instead of a position (plan/positions.ts) that an earlier version of pipeloom has not stored. */
export const unknownPosition = -1;

/** @param stored `task_runs.position`: null where it is not known, 0 where it is the id */
export const positionOf = (id: number, stored: number | null): number =>
  stored === null ? unknownPosition : stored || id;

/** One worker, 0, 1, 2 …; the replacement of a lost worker gets a new id. */
export type WorkerId = Branded<"WorkerId">;

function atLeast(value: number, least: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${what} must be an integer of at least ${least}, not ${value}`);
  }
  return value;
}

/** Leaves room for the ids that follow a stored one. */
export const maxStoredId = 2 ** 52;

/** Whether a value from the database can be an id of a run or a task. */
export const isStoredId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= maxStoredId;

export const runId = (value: number): RunId => atLeast(value, 1, "a run id") as RunId;
export const taskId = (value: number): TaskId => atLeast(value, 1, "a task id") as TaskId;
export const workerId = (value: number): WorkerId => atLeast(value, 0, "a worker id") as WorkerId;
