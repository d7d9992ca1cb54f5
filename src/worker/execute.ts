// Runs one attempt, as a list of steps: find the task, call it, wait for what it sent, say how it ended.
// Synchronous where the task is: a short task must not pay for a promise.

import { nextAttemptAt } from "../api/retries.ts";
import type { AnyTaskDefinition } from "../api/task.ts";
import { type Failure, toFailure } from "../protocol/failure.ts";
import type { Outcome } from "../protocol/messages.ts";
import { type Attempt, jsonText } from "./attempt.ts";
import { withoutOwnFrames } from "../protocol/stack.ts";

type Runnable = { run(input: unknown, ctx: Attempt): unknown };

/** Returns nothing when the attempt is over already, or a promise of its end. Never throws, never rejects. */
export function execute(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
): undefined | Promise<void> {
  if (definition === undefined)
    return over(attempt, failed(attempt, undefined, unknownTask(attempt)));
  let result: unknown;
  let isLater: boolean;
  try {
    // The input's type is the author's; it was checked to be JSON, and the compiler checked the call that made it.
    result = (definition as Runnable).run(JSON.parse(attempt.assignment.input), attempt);
    // Inside, for `then` may be a getter that throws.
    isLater = isThenable(result) || attempt.settled() !== undefined;
  } catch (thrown) {
    return ended(attempt, definition, thrown);
  }
  return isLater
    ? finishLater(attempt, definition, result)
    : over(attempt, succeeded(attempt, definition, result));
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  "then" in value &&
  typeof value.then === "function";

async function finishLater(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  result: unknown,
): Promise<void> {
  let outcome: Outcome;
  try {
    const value: unknown = await orCrash(attempt, result);
    await allSent(attempt);
    outcome = succeeded(attempt, definition, value);
  } catch (thrown) {
    await allSent(attempt).catch(() => undefined);
    outcome = failed(attempt, definition, thrown);
  }
  await over(attempt, outcome);
}

/** A rejection that nobody handles, or a throw from a callback, ends the attempt it came from (see host.ts). */
function orCrash(attempt: Attempt, result: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    attempt.onCrash = reject;
    Promise.resolve(result).then(resolve, reject);
  });
}

/** Sends that the author did not await; one may have been added while another was waited for. */
async function allSent(attempt: Attempt): Promise<void> {
  for (let last = attempt.settled(); ;) {
    await last;
    const next = attempt.settled();
    if (next === last) return;
    last = next;
  }
}

function ended(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  thrown: unknown,
): undefined | Promise<void> {
  return over(attempt, failed(attempt, definition, thrown));
}

function over(attempt: Attempt, outcome: Outcome): undefined | Promise<void> {
  return attempt.finish(Date.now(), outcome) ?? undefined;
}

function succeeded(attempt: Attempt, definition: AnyTaskDefinition, value: unknown): Outcome {
  if (attempt.stopped === "timeout" || attempt.isOverdue) {
    return failureOutcome(attempt, definition, attempt.stopFailure("timeout"));
  }
  try {
    const result = jsonText(value, "result", "the task's output", "outputs");
    const retryAt = nextAttempt(attempt, definition, { name: "Error", message: "" });
    return retryAt === undefined ? { status: "done", result } : { status: "done", result, retryAt };
  } catch (thrown) {
    return failed(attempt, definition, thrown);
  }
}

function failed(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
  thrown: unknown,
): Outcome {
  if (attempt.stopped === "cancelled") {
    return { status: "cancelled", failure: attempt.stopFailure("cancelled") };
  }
  const timedOut = attempt.stopped === "timeout" || attempt.isOverdue;
  return failureOutcome(
    attempt,
    definition,
    timedOut ? attempt.stopFailure("timeout") : withoutOwnFrames(toFailure(thrown)),
  );
}

/** Final, or with the time of the next attempt. */
export function failureOutcome(
  attempt: Attempt,
  definition: AnyTaskDefinition | undefined,
  failure: Failure,
): Outcome {
  const retryAt = definition === undefined ? undefined : nextAttempt(attempt, definition, failure);
  return retryAt === undefined
    ? { status: "error", failure }
    : { status: "error", failure, retryAt };
}

function nextAttempt(
  attempt: Attempt,
  definition: AnyTaskDefinition,
  failure: Failure,
): number | undefined {
  const policy = attempt.assignment.retries ?? definition.retries;
  if (policy.limit === 0) return undefined;
  try {
    return nextAttemptAt(policy, definition.retryOn, attempt.attempt, failure, Date.now());
  } catch (thrown) {
    // A `retryOn` that throws must not hide the failure it was asked about.
    attempt.log.error("retryOn failed:", thrown);
    return undefined;
  }
}

function unknownTask(attempt: Attempt): Error {
  return new Error(
    `no task is called "${attempt.assignment.task}" in this thread; define tasks at the top level of the pipeline file, under the same name each time it is loaded`,
  );
}
