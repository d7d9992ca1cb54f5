import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { nextAttemptAt, noRetries, retryDelayMs, retryPolicy } from "../../src/api/retries.ts";

const failure = { name: "Error", message: "x" };
const steady = { limit: 5, delayMs: 100, factor: 2, jitter: false, maxDelayMs: 1000 };

test("a number is a limit with the defaults", () => {
  expect(retryPolicy(3, "task")).toEqual({ ...noRetries, limit: 3 });
  expect(retryPolicy(undefined, "task")).toEqual(noRetries);
});

test("durations are read", () => {
  const options = { limit: 1, delay: "1s", factor: 3, jitter: false, maxDelay: "1m" } as const;
  expect(retryPolicy(options, "task")).toEqual({
    limit: 1,
    delayMs: 1000,
    factor: 3,
    jitter: false,
    maxDelayMs: 60_000,
    maxAfterMs: 60_000,
  });
});

test("a delay longer than the default's cap is kept; a cap below the default delay too", () => {
  expect(retryPolicy({ limit: 1, delay: "75s" }, "t")).toMatchObject({
    delayMs: 75_000,
    maxDelayMs: 75_000,
  });
  expect(retryPolicy({ limit: 1, maxDelay: 500 }, "t")).toMatchObject({ maxDelayMs: 500 });
});

test.each<[options: Parameters<typeof retryPolicy>[0], message: string]>([
  [-1, "t: retries must be an integer of at least 0, not -1"],
  [1.5, "t: retries must be an integer of at least 0, not 1.5"],
  [{ limit: 1, factor: 0.5 }, "t: retries.factor must be at least 1, not 0.5"],
  // @ts-expect-error not a duration
  [{ limit: 1, delay: "soon" }, "t: retries.delay must be"],
  [{ limit: 1, maxDelay: -1 }, "t: retries.maxDelay must be"],
  [
    { limit: 1, delay: "75s", maxDelay: "1m" },
    "t: retries.delay (75s) is longer than retries.maxDelay (1m); raise maxDelay, or lower delay",
  ],
])("%j is refused by name", (options, message) => {
  expect(() => retryPolicy(options, "t")).toThrow(message);
});

describe("the wait after an attempt", () => {
  test.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
    [5, 1000],
    [5000, 1000],
  ])("%i, without jitter: %i ms", (attempt, ms) => {
    expect(retryDelayMs(steady, attempt, () => 0.5)).toBe(ms);
  });

  test("with full jitter it is drawn from nothing to all of it", () => {
    const policy = { ...steady, jitter: true };
    expect(retryDelayMs(policy, 2, () => 0)).toBe(0);
    expect(retryDelayMs(policy, 2, () => 0.5)).toBe(100);
    expect(retryDelayMs(policy, 2, () => 0.999)).toBe(200);
  });

  test("property: a whole number of ms, from 0 to maxDelay, whatever the policy", () => {
    const policy = fc.record({
      limit: fc.nat(10_000),
      delayMs: fc.nat(1_000_000),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      jitter: fc.boolean(),
      maxDelayMs: fc.nat(1_000_000),
    });
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 10_000 }), draw, (given, attempt, random) => {
        const ms = retryDelayMs(given, attempt, () => random);
        expect(Number.isSafeInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(given.maxDelayMs);
      }),
    );
  });

  test("no wait stays none, however often it grows", () => {
    expect(retryDelayMs({ ...steady, delayMs: 0 }, 5000, () => 0.5)).toBe(0);
  });
});

describe("whether there is another attempt", () => {
  test("up to the limit, and then no more", () => {
    expect(nextAttemptAt(steady, undefined, 5, failure, 1000)).toBe(2000);
    expect(nextAttemptAt(steady, undefined, 6, failure, 1000)).toBeUndefined();
  });

  test("as retryOn says, which is not asked when there is none left", () => {
    const asked: string[] = [];
    const retryOn = ({ message }: { message: string }): boolean => {
      asked.push(message);
      return message === "x";
    };
    expect(nextAttemptAt(steady, retryOn, 1, failure, 0)).toBe(100);
    expect(nextAttemptAt(steady, retryOn, 1, { name: "E", message: "y" }, 0)).toBeUndefined();
    expect(nextAttemptAt(steady, retryOn, 6, failure, 0)).toBeUndefined();
    expect(asked).toEqual(["x", "y"]);
  });
});
