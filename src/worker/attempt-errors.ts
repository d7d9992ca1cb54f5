// Errors that user code gets from its task context, or that fail an attempt.

export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/** A source of rows that the task did not await goes on after the task has returned. */
export class UnfinishedSourceError extends Error {
  override readonly name = "UnfinishedSourceError";
}

/** A call on the context after the attempt has ended: nothing is stored. */
export class TaskEndedError extends Error {
  override readonly name = "TaskEndedError";
}
