// Values of pipeloom's own tables. Users can edit these tables, so a value of any type may turn up.

import type { Failure } from "../../base/failure.ts";
import { parseFailure } from "../../base/stored-failure.ts";
import { isStoredId, type RunId, runId, type TaskId, taskId } from "../../protocol/ids.ts";
import {
  type LogLevel,
  logLevels,
  type RunStatus,
  runStatuses,
  type TaskStatus,
  taskStatuses,
} from "../../protocol/status.ts";
import { ReaderError } from "./reader-error.ts";
import type { Reader, Value } from "./reader.ts";

type Path = Pick<Reader, "path">;

/** @throws ReaderError for a value that no run has */
export function storedRunId(value: Value | undefined, { path }: Path): RunId {
  if (isStoredId(value)) return runId(value);
  throw damaged(path, "run with the id", value);
}

/** @throws ReaderError for a value that no task has */
export function storedTaskId(value: Value | undefined, { path }: Path): TaskId {
  if (isStoredId(value)) return taskId(value);
  throw damaged(path, "task with the id", value);
}

/** @throws ReaderError for another value */
export function storedTaskStatus(value: Value | undefined, { path }: Path): TaskStatus {
  return oneOf(taskStatuses, value, path, "task with the status");
}

/** @throws ReaderError for another value */
export function storedRunStatus(value: Value | undefined, { path }: Path): RunStatus {
  return oneOf(runStatuses, value, path, "run with the status");
}

/** @throws ReaderError for another value */
export function storedLogLevel(value: Value | undefined, { path }: Path): LogLevel {
  return oneOf(logLevels, value, path, "log line of the level");
}

function oneOf<Known extends string>(
  known: readonly Known[],
  value: Value | undefined,
  path: string,
  what: string,
): Known {
  const found = known.find((each) => each === value);
  if (found === undefined) throw damaged(path, what, value);
  return found;
}

const damaged = (path: string, what: string, value: Value | undefined): ReaderError =>
  new ReaderError(
    "corrupt",
    `${path} is damaged: it has a ${what} ${String(value)}; restore a copy, or see its tables with pipeloom query`,
  );

export const text = (value: Value | undefined): string | null =>
  typeof value === "string" ? value : null;

export const number = (value: Value | undefined): number | null =>
  typeof value === "number" ? value : null;

/** Null if there is none. */
export const failure = (value: Value | undefined): Failure | null =>
  typeof value === "string" ? parseFailure(value) : null;
