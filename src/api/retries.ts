// Retries: how many attempts follow a failed one, and when.

import type { Failure } from "../base/failure.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import { isAbsent, isBoolean, isFunction, option } from "./option.ts";
import type { RetryPolicy } from "../protocol/messages.ts";
import { shownValue } from "../base/describe-value.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";

export type RetryOptions = {
  /** How many more attempts a task has after the first. */
  readonly limit: number;
  /** The delay before the first retry. Default 1 s. */
  readonly delay?: Duration;
  /** By which the delay is multiplied from one retry to the next. Default 2. */
  readonly factor?: number;
  /** Full jitter: each wait is drawn uniformly from 0 to the delay, so that many tasks do not retry at once. Default true. */
  readonly jitter?: boolean;
  /** The longest delay. Default 1 min, or `delay` if that is longer. If it is set, it bounds `after` too. */
  readonly maxDelay?: Duration;
  /**
   * The wait before the next attempt in ms, instead of the computed delay and without jitter; undefined: the computed delay.
   * For a server that says when it is to be asked again, such as with the header `Retry-After`.
   * @param error what the task has thrown, with all of its properties; undefined after a timeout or a lost Worker
   */
  readonly after?: (failure: Failure, error: unknown) => number | undefined;
  /** Whether a failure, a timeout or a lost Worker is worth another attempt. Default: always. */
  readonly retryOn?: (failure: Failure) => boolean;
};

const names = namesOf<RetryOptions>({
  limit: true,
  delay: true,
  factor: true,
  jitter: true,
  maxDelay: true,
  after: true,
  retryOn: true,
});

/** A number is the limit; the other options have their defaults. */
export type Retries = number | RetryOptions;

export const noRetries: RetryPolicy = {
  limit: 0,
  delayMs: 1000,
  factor: 2,
  jitter: true,
  maxDelayMs: 60_000,
};

/** @throws RangeError that names the wrong option */
export function retryPolicy(retries: Retries | undefined, what: string): RetryPolicy {
  if (isAbsent(retries)) return noRetries;
  const options = typeof retries === "object" ? retries : { limit: retries };
  assertKnown(options, names, `${what}: retries`);
  const { limit, factor = noRetries.factor } = options;
  const jitter = option(options.jitter, `${what}: retries.jitter`, "true or false", isBoolean);
  option(options.retryOn, `${what}: retries.retryOn`, "a function", isFunction);
  option(options.after, `${what}: retries.after`, "a function", isFunction);
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(
      `${what}: retries must be an integer of at least 0, not ${shownValue(limit)}`,
    );
  }
  if (!Number.isFinite(factor) || factor < 1) {
    throw new RangeError(`${what}: retries.factor must be at least 1, not ${shownValue(factor)}`);
  }
  return { limit, factor, jitter: jitter ?? noRetries.jitter, ...delays(options, what) };
}

function delays(
  { delay, maxDelay }: RetryOptions,
  what: string,
): Pick<RetryPolicy, "delayMs" | "maxDelayMs" | "maxAfterMs"> {
  const delayMs = durationMs(delay ?? noRetries.delayMs, `${what}: retries.delay`);
  if (maxDelay === undefined) {
    return { delayMs, maxDelayMs: Math.max(delayMs, noRetries.maxDelayMs) };
  }
  const maxDelayMs = durationMs(maxDelay, `${what}: retries.maxDelay`);
  if (delay !== undefined && delayMs > maxDelayMs) {
    throw new RangeError(
      `${what}: retries.delay (${delay}) is longer than retries.maxDelay (${maxDelay}); raise maxDelay, or lower delay`,
    );
  }
  return { delayMs, maxDelayMs, maxAfterMs: maxDelayMs };
}

/**
 * The wait after attempt `attempt` (1 is the first), in ms: `delay × factor^(attempt - 1)`, at most `maxDelay`. With
 * jitter, times a uniform draw from [0, 1) ("full jitter", AWS Architecture Blog, 2015).
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  // After about 1000 attempts the factor is infinite, and 0 × ∞ is NaN.
  const grown = policy.delayMs === 0 ? 0 : policy.delayMs * policy.factor ** (attempt - 1);
  const capped = Math.min(grown, policy.maxDelayMs);
  return Math.round(policy.jitter ? capped * random() : capped);
}

/** When the next attempt starts (on the clock of `now`, in ms); undefined when the failure is final. */
export function nextAttemptAt(
  policy: RetryPolicy,
  retryOn: ((failure: Failure) => boolean) | undefined,
  attempt: number,
  failure: Failure,
  now: number,
): number | undefined {
  if (attempt > policy.limit) return undefined;
  if (retryOn !== undefined && !retryOn(failure)) return undefined;
  return now + retryDelayMs(policy, attempt, Math.random);
}
