import { expect, test } from "bun:test";
import { Unit, UnitTooLargeError } from "../../src/worker/unit.ts";

test("a unit keeps texts in order until they are taken", () => {
  const unit = new Unit();
  unit.add("one", 3);
  unit.add("two", 1);
  expect([unit.rows, unit.chars, unit.isEmpty]).toEqual([4, 6, false]);
  expect(unit.take()).toEqual(["one", "two"]);
  expect([unit.rows, unit.chars, unit.isEmpty]).toEqual([0, 0, true]);
  expect(unit.take()).toEqual([]);
});

test("past its bound it says to checkpoint, and stays as it was", () => {
  const unit = new Unit({ rows: 10, chars: 2 ** 21 });
  unit.add("x", 10);
  expect(() => unit.add("y", 1)).toThrow(UnitTooLargeError);
  expect(() => unit.add("y", 1)).toThrow(
    "more than 10 rows and messages are waiting to be committed; call `await ctx.checkpoint(cursor)`",
  );
  expect(() => unit.add("y".repeat(2 ** 21), 0)).toThrow("more than 2 MB of rows");
  expect(unit.take()).toEqual(["x"]);
  unit.add("y", 10);
});
