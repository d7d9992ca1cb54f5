// Runs one attempt in steps: call the task, wait for its result and its sends, finish. Synchronous for a synchronous task:
// a short task must not pay for a promise.

import { JSON } from "../base/globals.ts";
import { nextAttempt } from "../api/retry-after.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { Outcome } from "../protocol/writer-records.ts";
import { thrownText, withoutOwnFrames } from "../base/stack.ts";
import type { Attempt } from "./attempt.ts";
import { storedText } from "./stored-text.ts";
import { AttemptContext } from "./task-context.ts";
import { isThenable } from "../base/is-thenable.ts";

type Runnable = { run(input: unknown, ctx: AttemptContext): unknown };

/** Returns undefined when the attempt has ended, or a promise of its end. Never throws, never rejects. */
export function execute(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
): undefined | Promise<void> {
  if (definition === undefined) return failNow(attempt, undefined, unknownTask(attempt));
  let result: unknown;
  let isLater: boolean;
  try {
    // The author's compiler has checked the type of the input, and `task()` that it is JSON.
    const { input, isBare } = attempt.assignment;
    result = (definition as Runnable).run(
      isBare === true ? undefined : JSON.parse(input),
      new AttemptContext(attempt),
    );
    // Inside the `try`: `then` may be a getter that throws.
    isLater = isThenable(result) || !attempt.areSendsSettled;
  } catch (thrown) {
    return failNow(attempt, definition, thrown);
  }
  if (isLater) return finishLater(attempt, definition, result);
  const at = attempt.now();
  return finish(attempt, at, succeeded(attempt, definition, at, result));
}

async function finishLater(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  result: unknown,
): Promise<void> {
  let value: unknown;
  try {
    value = await attempt.untilFailed(valueOf(attempt, result));
    // A loop: while promises settle, functions that the task has started and not awaited may send more.
    while (!attempt.areSendsSettled) await attempt.untilFailed(attempt.settleSends());
  } catch (thrown) {
    attempt.abandon();
    return failNow(attempt, definition, thrown);
  }
  const at = attempt.now();
  return finish(attempt, at, succeeded(attempt, definition, at, value));
}

async function valueOf(attempt: Attempt, result: unknown): Promise<unknown> {
  try {
    return await result;
  } finally {
    attempt.returned();
  }
}

function failNow(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
  thrown: unknown,
): undefined | Promise<void> {
  const at = attempt.now();
  return finish(attempt, at, failed(attempt, definition, at, thrown));
}

function finish(attempt: Attempt, at: number, outcome: Outcome): undefined | Promise<void> {
  // `process.exit` has finished the attempt already.
  if (attempt.isEnded) return undefined;
  return attempt.finish(at, outcome) ?? undefined;
}

function succeeded(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  at: number,
  value: unknown,
): Outcome {
  if (attempt.stopReason === "timeout" || attempt.isOverdue) {
    return failureOutcome(attempt, definition, at, attempt.stopFailure("timeout"));
  }
  try {
    const result = storedText(value, "result", "the task's output", "outputs", attempt.deps.mask);
    // Should the database refuse the task's unit: there is no error that `retries.after` could look at.
    const retryAt = retryOf(attempt, definition, undefined, at, unknownFailure);
    return retryAt === undefined ? { status: "done", result } : { status: "done", result, retryAt };
  } catch (thrown) {
    return failed(attempt, definition, at, thrown);
  }
}

function failed(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
  at: number,
  thrown: unknown,
): Outcome {
  if (attempt.stopReason === "cancelled") {
    return { status: "cancelled", failure: attempt.stopFailure("cancelled") };
  }
  const timedOut = attempt.stopReason === "timeout" || attempt.isOverdue;
  return failureOutcome(
    attempt,
    definition,
    at,
    timedOut ? attempt.stopFailure("timeout") : withoutOwnFrames(toFailure(thrown)),
    timedOut ? undefined : thrown,
  );
}

/**
 * An outcome of status error, with the time of the next attempt if one follows.
 * @param thrown by the task; undefined if nothing was thrown
 */
export function failureOutcome(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
  at: number,
  failure: Failure,
  thrown?: unknown,
): Outcome {
  const retryAt =
    definition === undefined
      ? undefined
      : retryOf(attempt, definition, definition.retryAfter, at, { failure, thrown });
  return retryAt === undefined
    ? { status: "error", failure }
    : { status: "error", failure, retryAt };
}

const unknownFailure = { failure: { name: "Error", message: "" }, thrown: undefined };

/**
 * The time of the next attempt, or undefined.
 * @param at end of the attempt. The engine waits for the difference, so clock changes do not matter
 */
function retryOf(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  retryAfter: AnyTaskDefinition["retryAfter"],
  at: number,
  why: { readonly failure: Failure; readonly thrown: unknown },
): number | undefined {
  const policy = attempt.assignment.retries ?? definition.retries;
  if (policy.limit === 0) return undefined;
  const warn = (line: string): void => attempt.log.print("warn", line);
  try {
    const functions = { retryOn: definition.retryOn, retryAfter };
    return nextAttempt(policy, functions, attempt.attempt, why, at, warn);
  } catch (thrown) {
    // An error of `retryOn` must not hide the failure of the task.
    attempt.log.print("error", `retryOn failed: ${thrownText(thrown)}`);
    return undefined;
  }
}

function unknownTask(attempt: Attempt): Error {
  return new Error(
    `no task is called "${attempt.assignment.task}" in this thread; define tasks at the top level of the pipeline file, under the same name each time it is loaded`,
  );
}
