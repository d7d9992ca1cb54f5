import { expect, test } from "bun:test";
import { foregroundOf } from "../../src/terminal/foreground.ts";

test("a process knows from its stat whether the terminal is its own", () => {
  expect(foregroundOf("12 (a b) c) S 1 12 12 34816 12 4194304")).toBe(true);
  expect(foregroundOf("12 (bun) S 1 12 12 34816 99 4194304")).toBe(false);
  expect(foregroundOf("12 (bun) S 1 12 12 0 -1 4194304")).toBe(true);
});
