// Records that the engine itself writes about a task, because no worker can. Pure.

import { nextAttempt } from "../api/retry-after.ts";
import type { Failure } from "../base/failure.ts";
import { machineLost } from "../executors/executors.ts";
import type { TaskId, WorkerId } from "../protocol/ids.ts";
import type { RestoredTask, RetryPolicy } from "../protocol/messages.ts";
import type { MainRecord, Outcome } from "../protocol/writer-records.ts";
import { labelOf } from "../protocol/label.ts";
import { taskKey } from "../protocol/task-key.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { Inputs } from "./inputs.ts";

const keyOf = ({ definition: { name }, inputText }: TaskVertex): string =>
  inputText === "" ? name : taskKey(name, inputText);

/** @param vertex has an id, but may have no input text */
const identity = (vertex: TaskVertex, inputs: Inputs) => ({
  ...inputs.recorded(vertex),
  id: vertex.id as TaskId,
  name: vertex.name,
  // Without its inputs the task has no hash. The row is for people: a later session plans the task again.
  key: keyOf(vertex),
});

export const queuedRecord = (vertex: TaskVertex, inputs: Inputs): MainRecord => ({
  type: "queued",
  ...identity(vertex, inputs),
});

export const againRecord = (vertex: TaskVertex, inputs: Inputs): MainRecord => ({
  type: "again",
  ...identity(vertex, inputs),
});

export const skippedRecord = (
  vertex: TaskVertex,
  inputs: Inputs,
  at: number,
  failure: Failure,
): MainRecord => ({
  type: "skipped",
  ...identity(vertex, inputs),
  at,
  failure,
});

/** A task that an earlier session began and did not finish, and that the pipeline no longer plans. */
export function droppedRecord({ id, key, position, name }: RestoredTask, at: number): MainRecord {
  if (name === undefined) throw new Error(`Internal error: open task ${id} has no name`);
  const message =
    "skipped because an earlier session of this run planned it, and the pipeline does not any more";
  return { type: "skipped", id, name, key, position, at, failure: { name: "Skipped", message } };
}

export const interruptedRecords = (
  vertex: TaskVertex,
  inputs: Inputs,
  worker: WorkerId,
  at: number,
  failure: Failure,
): readonly MainRecord[] => [
  {
    type: "interrupted",
    ...identity(vertex, inputs),
    attempt: vertex.attempt + 1,
    worker,
    startedAt: vertex.startedAt ?? null,
    at,
    failure,
  },
  interruptedLine(vertex, inputs, at, failure),
];

const interruptedLine = (
  vertex: TaskVertex,
  inputs: Inputs,
  at: number,
  failure: Failure,
): MainRecord => ({
  type: "log",
  id: vertex.id as TaskId,
  name: vertex.name,
  // The task waits for its next attempt when the line is announced: nothing else names its item then.
  label: labelOf({ input: inputs.shown(vertex), label: vertex.label }),
  attempt: vertex.attempt + 1,
  at,
  level: "warn",
  line: `attempt ${vertex.attempt + 1} was interrupted: ${interruptedBy(failure)}; the next one follows, and no retry is used up`,
});

const interruptedBy = ({ name, message }: Failure): string =>
  name === machineLost ? message : `another task's thread, which it shared, has ended (${message})`;

/** An attempt that was lost with its worker. */
export const endedRecord = (
  vertex: TaskVertex,
  inputs: Inputs,
  at: number,
  outcome: Outcome,
): MainRecord => ({
  type: "finished",
  ...identity(vertex, inputs),
  attempt: vertex.attempt + 1,
  startedAt: vertex.startedAt ?? at,
  worker: vertex.workerId ?? null,
  at,
  wantsResult: vertex.wantsResult,
  outcome,
});

export const stopped: Outcome = {
  status: "cancelled",
  failure: { name: "CancelledError", message: "the run was stopped before it ended" },
};

/** The task's policy, or its definition's. An interrupted attempt uses up no retry. */
export function retriesOf({ retries, definition, interruptions }: TaskVertex): RetryPolicy {
  const policy = retries ?? definition.retries;
  return { ...policy, limit: policy.limit + interruptions };
}

/**
 * When the next attempt starts, epoch ms; undefined where none does.
 * @param warn of a wrong `retries.after`
 * @throws what the author's `retryOn` throws
 */
export function retryOf(
  vertex: TaskVertex,
  failure: Failure,
  now: number,
  warn: (line: string) => void,
): number | undefined {
  const lost = { failure, thrown: undefined };
  return nextAttempt(retriesOf(vertex), vertex.definition, vertex.attempt + 1, lost, now, warn);
}
