import { expect, test } from "bun:test";
import { UnitBudget, Unit, UnitTooLargeError } from "../../src/worker/unit.ts";

const newUnit = (rows = 10, chars = 2 ** 21): Unit => new Unit(new UnitBudget({ rows, chars }));

/** A finished call that has sent these texts. */
function put(unit: Unit, ...texts: readonly string[]): void {
  const entry = unit.open();
  for (const text of texts) unit.add(entry, text, 1);
  unit.close(entry);
}

test("texts are in the order of the calls, not of the additions", () => {
  const unit = newUnit();
  expect(unit.isEmpty).toBe(true);
  const early = unit.open();
  put(unit, "b");
  put(unit, "c", "d");
  unit.add(early, "a", 1);
  unit.close(early);
  put(unit);
  expect(unit.isEmpty).toBe(false);
  expect(unit.take()).toEqual(["a", "b", "c", "d"]);
  expect(unit.isEmpty).toBe(true);
  expect(unit.take()).toEqual([]);
});

test("items of a failed call are removed, and free their budget", () => {
  const unit = newUnit(3);
  put(unit, "a");
  const bad = unit.open();
  unit.add(bad, "x", 2);
  put(unit);
  unit.drop(bad);
  put(unit, "b", "c");
  expect(unit.take()).toEqual(["a", "b", "c"]);
});

test("above its bound the error says to checkpoint, and the unit stays as it was", () => {
  const unit = newUnit();
  const entry = unit.open();
  unit.add(entry, "x", 10);
  expect(() => unit.add(entry, "y", 1)).toThrow(UnitTooLargeError);
  expect(() => unit.add(entry, "y", 1)).toThrow(
    "more than 10 rows, messages and values of ctx.state are waiting to be committed; call `await ctx.checkpoint(cursor)`",
  );
  expect(() => unit.add(entry, "y".repeat(2 ** 21), 0)).toThrow(
    "more than 2 MB of rows, messages and values of ctx.state",
  );
  expect(() => unit.add(entry, "y".repeat(2 ** 21 + 1), 1)).toThrow(
    "a row, a message or a value of ctx.state has 2 MB, and what is committed together may have 2 MB at most; store it in parts",
  );
  expect(unit.take()).toEqual(["x"]);
  put(unit, "y");
});

test("the units of an attempt share a bound", () => {
  const budget = new UnitBudget({ rows: 2, chars: 100 });
  const units = [new Unit(budget), new Unit(budget), new Unit(budget)];
  const [first, second, third] = units as [Unit, Unit, Unit];
  put(first, "a", "b");
  put(second, "c", "d");
  expect(() => put(third, "e")).toThrow("more than 4 rows, messages and");
  first.take();
  put(third, "e");
});

test("a unit that is not committed comes before what was sent later", () => {
  const budget = new UnitBudget();
  const [first, second] = [new Unit(budget), new Unit(budget)];
  put(first, "a");
  put(second, "b");
  second.prepend(first);
  expect(first.isEmpty).toBe(true);
  expect(second.take()).toEqual(["a", "b"]);
  expect([budget.rows, budget.chars]).toEqual([0, 0]);
});
