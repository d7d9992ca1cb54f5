import { expect, test } from "bun:test";

import { RepeatedLines } from "../../src/terminal/repeated-lines.ts";

test("three lines of a kind are shown, whatever their numbers, and the others are counted", () => {
  const like = new RepeatedLines();
  const shown = ["row 1", "row 2", "disk", "row 30", "row 4", "row 5"].map((text) =>
    like.add(text),
  );
  expect(shown).toEqual([true, true, true, true, false, false]);
  expect(like.takeHidden()).toEqual([{ first: "row 1", count: 2 }]);
  expect(like.takeHidden()).toEqual([]);
});

test("lines of more kinds than are told apart are shown", () => {
  const like = new RepeatedLines();
  for (let i = 1; i <= 2000; i++) expect(like.add("x".repeat(i))).toBeTrue();
  expect(like.takeHidden()).toEqual([]);
});
