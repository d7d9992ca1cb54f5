import { expect, test } from "bun:test";

import { lineDiff } from "../../src/base/line-diff.ts";

const shown = (before: readonly string[], after: readonly string[]): string[] | undefined =>
  lineDiff(before.join("\n"), after.join("\n"))?.map(({ kind, text }) => {
    const marks = { same: " ", removed: "-", added: "+", gap: "…" };
    return `${marks[kind]}${text}`;
  });

test("equal texts differ in nothing", () => {
  expect(shown(["a", "b"], ["a", "b"])).toEqual([]);
});

test("changes are shown with two lines around them", () => {
  const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
  const after = ["1", "2", "3", "x", "5", "6", "7", "8", "9", "10", "11", "12"];
  expect(shown(before, after)).toEqual([
    " 2",
    " 3",
    "-4",
    "+x",
    " 5",
    " 6",
    "…",
    " 10",
    " 11",
    "+12",
  ]);
});

test("any two texts: without the added lines it is the first, without the removed ones the second", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const lines = (): string[] => Array.from({ length: 1 + random(12) }, () => `${random(4)}`);
    const [before, after] = [lines(), lines()];
    const diff = lineDiff(before.join("\n"), after.join("\n")) ?? [];
    const [removed, added] = ["removed", "added"].map(
      (kind) => diff.filter((line) => line.kind === kind).length,
    );
    expect(before.length - (removed ?? 0)).toBe(after.length - (added ?? 0));
    const rest = [...before];
    for (const { kind, text } of diff) {
      if (kind !== "removed") continue;
      const index = rest.indexOf(text);
      expect(index).toBeGreaterThanOrEqual(0);
      rest.splice(index, 1);
    }
  }
});

test("too much that differs is not compared", () => {
  const long = Array.from({ length: 2500 }, (_, i) => `${i}`);
  expect(
    shown(
      long,
      long.map((line) => `${line}!`),
    ),
  ).toBeUndefined();
});
