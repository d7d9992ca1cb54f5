import { expect, test } from "bun:test";
import { Attempts } from "../../../src/formats/http/attempts.ts";

test("waits double until an attempt makes progress; attempts without progress are limited", () => {
  const attempts = new Attempts(3, 10);
  const broken = new Error("broken");
  const waits = [5, 5, 9, 9].map((reached) => attempts.waitAfter(broken, reached));
  expect(waits).toEqual([10, 20, 10, 20]);
  expect(() => attempts.waitAfter(broken, 8)).toThrow(broken);
});
