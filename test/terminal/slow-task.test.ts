// What is said of a task that takes much longer than usual.

import { expect, test } from "bun:test";

import { formatEvent } from "../../src/terminal/event-formatter.ts";
import { event } from "./rig.ts";

const cases: readonly (readonly [durationMs: number, isRunning: boolean, p95Ms: number, string])[] =
  [
    [31_000, true, 10_000, "3× slower than usual: 31.0 s so far (p95 of 12 runs: 10.0 s)"],
    [24_900, false, 10_000, "2.4× slower than usual: it took 24.9 s (p95 of 12 runs: 10.0 s)"],
    [29_999, false, 10_000, "2.9× slower than usual: it took 30.0 s (p95 of 12 runs: 10.0 s)"],
    [1_200_000, true, 1, "1,200,000× slower than usual: 20 min 00 s so far (p95 of 12 runs: 1 ms)"],
  ];

for (const [durationMs, isRunning, p95Ms, text] of cases) {
  test(text, () => {
    const line = formatEvent(event.slow(7, durationMs, isRunning, p95Ms), 0);
    expect(line).toMatchObject({ level: "warn", task: { name: "task-7", id: 7 }, text });
  });
}

test("-q does not say it", () => {
  expect(formatEvent(event.slow(7, 31_000, true), -1)).toBeUndefined();
});
