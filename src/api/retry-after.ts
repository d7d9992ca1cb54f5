// `retries.after`: the author's function that says how long to wait, such as what a server asks for.

import { shownValue } from "../base/describe-value.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import { maxDurationMs } from "../base/parse-duration.ts";
import type { RetryPolicy } from "../protocol/messages.ts";
import { nextAttemptAt, type RetryOptions } from "./retries.ts";

/** One per task in each thread, so that a function that is wrong is said once and not with each failure. */
export class RetryAfter {
  readonly #after: NonNullable<RetryOptions["after"]>;
  #isWrongSaid = false;

  constructor(after: NonNullable<RetryOptions["after"]>) {
    this.#after = after;
  }

  /**
   * The wait in ms, at most `mostMs`. Undefined: the computed delay counts.
   * @param thrown by the task; undefined if nothing was thrown
   */
  delayMs(
    failure: Failure,
    thrown: unknown,
    mostMs: number | undefined,
    warn: (line: string) => void,
  ): number | undefined {
    let asked: unknown;
    try {
      asked = this.#after(failure, thrown);
    } catch (error) {
      return this.#wrong(`failed (${toFailure(error).message})`, warn);
    }
    if (asked === undefined || asked === null) return undefined;
    if (typeof asked === "number" && Number.isFinite(asked) && asked >= 0) {
      return Math.round(Math.min(asked, mostMs ?? maxDurationMs));
    }
    return this.#wrong(`returned ${shownValue(asked)}`, warn);
  }

  #wrong(what: string, warn: (line: string) => void): undefined {
    if (this.#isWrongSaid) return;
    this.#isWrongSaid = true;
    warn(
      `retries.after ${what}; it must return milliseconds (0 or more), or undefined. The delay of \`retries\` is used instead`,
    );
  }
}

type RetryFunctions = {
  readonly retryOn: RetryOptions["retryOn"];
  readonly retryAfter: RetryAfter | undefined;
};

/**
 * As `nextAttemptAt`, where `retries.after` may ask for another time.
 * @param thrown as `RetryAfter.delayMs`
 * @throws what the author's `retryOn` throws
 */
export function nextAttempt(
  policy: RetryPolicy,
  { retryOn, retryAfter }: RetryFunctions,
  attempt: number,
  { failure, thrown }: { readonly failure: Failure; readonly thrown: unknown },
  now: number,
  warn: (line: string) => void,
): number | undefined {
  const retryAt = nextAttemptAt(policy, retryOn, attempt, failure, now);
  if (retryAt === undefined) return undefined;
  const askedMs = retryAfter?.delayMs(failure, thrown, policy.maxAfterMs, warn);
  return askedMs === undefined ? retryAt : now + askedMs;
}
