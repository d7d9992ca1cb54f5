import { expect, test } from "bun:test";

import { CpuMeter } from "../../src/worker/cpu-meter.ts";

/** The thread has used this much. */
let usedMs = 0;
const meter = (): CpuMeter => new CpuMeter(() => usedMs);

test("an attempt that is alone in its thread: what the thread has used since", () => {
  const span = meter().begin(true);
  usedMs += 12.4;
  expect(span?.ms).toBe(12);
  span?.program(100);
  expect(span?.ms).toBe(112);
});

test("an attempt that has ended before another begins is its own, whatever runs after it", () => {
  const shared = meter();
  shared.begin(false);
  const span = shared.begin(true);
  usedMs += 7;
  expect(span?.ms).toBe(7);
});

test("unknown: another has begun meanwhile, or went on beside it; not measured; not told by the platform", () => {
  const shared = meter();
  const first = shared.begin(true);
  shared.begin(false);
  expect(first?.ms).toBeUndefined();
  const second = shared.begin(true);
  second?.share();
  expect(second?.ms).toBeUndefined();
  expect(shared.begin(false)).toBeUndefined();
  expect(new CpuMeter(undefined).begin(true)).toBeUndefined();
});
