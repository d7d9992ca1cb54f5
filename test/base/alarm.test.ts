import { afterEach, beforeEach, expect, jest, test } from "bun:test";

import { Alarm } from "../../src/base/alarm.ts";
import { useFakeTime, useRealTime } from "../support/fake-time.ts";

beforeEach(useFakeTime);
afterEach(useRealTime);

test("a time beyond what a timer can count is waited for all the same", () => {
  const rung: string[] = [];
  const alarm = new Alarm(() => rung.push("now"));
  alarm.set(performance.now() + 2 ** 31 + 5000);
  jest.advanceTimersByTime(2 ** 31);
  expect([rung, alarm.isSet]).toEqual([[], true]);
  jest.advanceTimersByTime(5001);
  expect([rung, alarm.isSet]).toEqual([["now"], false]);
});
