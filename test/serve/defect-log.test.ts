// Errors of serve itself in its log.

import { expect, test } from "bun:test";

import { DefectLog } from "../../src/serve/defect-log.ts";

test("an error that comes at each look is said once an hour, and others meanwhile", () => {
  let now = 0;
  const said: string[] = [];
  const log = new DefectLog({ clock: { wall: () => now }, say: (text) => void said.push(text) });
  for (; now < 3_600_000; now += 30_000) log.add("TypeError: x is undefined");
  expect(said).toHaveLength(1);
  log.add("RangeError: no such slot");
  log.add("TypeError: x is undefined");
  expect(said).toHaveLength(3);
  expect(said[0]).toContain("goes on; please report it: TypeError: x is undefined");
  expect(said[1]).toContain("RangeError: no such slot");
});
