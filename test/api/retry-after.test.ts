import { describe, expect, test } from "bun:test";

import { RetryAfter } from "../../src/api/retry-after.ts";
import { retryPolicy } from "../../src/api/retries.ts";
import { maxDurationMs } from "../../src/base/parse-duration.ts";

const failure = { name: "Error", message: "503" };

class Asked {
  readonly said: string[] = [];
  readonly after: RetryAfter;

  constructor(after: (failure: { message: string }, error: unknown) => unknown) {
    this.after = new RetryAfter(after as never);
  }

  ms(thrown?: unknown, mostMs?: number): number | undefined {
    return this.after.delayMs(failure, thrown, mostMs, (line) => this.said.push(line));
  }
}

test("the function gets the failure, and the error with its properties", () => {
  const asked = new Asked(({ message }, error) =>
    error instanceof Error && "retryAfter" in error ? error.retryAfter : message.length,
  );
  expect(asked.ms(Object.assign(new Error("503"), { retryAfter: 120_000 }))).toBe(120_000);
  expect(asked.ms(undefined)).toBe(3);
  expect(asked.said).toEqual([]);
});

describe("what counts as a wait", () => {
  test.each([0, 1.4, 90_000])("%p ms", (ms) => {
    expect(new Asked(() => ms).ms()).toBe(Math.round(ms));
  });

  test.each([undefined, null])("%p means the computed delay, and nothing is said", (value) => {
    const asked = new Asked(() => value);
    expect([asked.ms(), asked.said]).toEqual([undefined, []]);
  });

  test.each([
    [-1, "-1"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    ["120", '"120"'],
    [Promise.resolve(1), "a Promise"],
  ])("%p is wrong, which is said once", (value, shown) => {
    const asked = new Asked(() => value);
    expect([asked.ms(), asked.ms()]).toEqual([undefined, undefined]);
    expect(asked.said).toEqual([
      `retries.after returned ${shown}; it must return milliseconds (0 or more), or undefined. The delay of \`retries\` is used instead`,
    ]);
  });

  test("so is a function that throws", () => {
    const asked = new Asked(() => {
      throw new TypeError("no header");
    });
    expect([asked.ms(), asked.ms(), asked.said.length]).toEqual([undefined, undefined, 1]);
    expect(asked.said[0]).toStartWith("retries.after failed (no header); it must return");
  });
});

describe("the longest wait", () => {
  test("is `maxDelay` only where the author has set it", () => {
    expect(retryPolicy({ limit: 1, maxDelay: "5s" }, "t").maxAfterMs).toBe(5000);
    expect(retryPolicy({ limit: 1 }, "t").maxAfterMs).toBeUndefined();
    expect(new Asked(() => 90_000).ms(undefined, 5000)).toBe(5000);
  });

  test("is otherwise what a timer can wait", () => {
    expect(new Asked(() => 1e300).ms()).toBe(maxDurationMs);
  });
});
