import { expect, test } from "bun:test";

import { proofFrame } from "../../src/prove/proof-screen.ts";
import { paletteOf } from "../../src/base/palette.ts";
import { width } from "../../src/base/text.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import type { ProofProgress } from "../../src/prove/prover.ts";

const frame = (progress: ProofProgress, columns: number): string =>
  proofFrame({
    progress,
    cycles: 10,
    elapsedMs: 5_000,
    columns,
    colors: paletteOf(0),
    glyphs: unicodeGlyphs,
  });

const third: ProofProgress = {
  stage: { type: "cycle", cycle: 3, isOver: false },
  kills: 4,
  cuts: 1,
  found: 0,
};

test("the bar shows the cycles that are over", () => {
  expect(frame(third, 80)).toBe(
    `⠋ cycle 3/10 ${"━".repeat(6)}${"─".repeat(24)} 4 kills • 1 power cut • 0:05`,
  );
  expect(frame({ ...third, found: 2 }, 80)).toContain("• 2 wrong •");
});

test("the undisturbed runs come first", () => {
  const first: ProofProgress = {
    stage: { type: "undisturbed", run: 1 },
    kills: 0,
    cuts: 0,
    found: 0,
  };
  expect(frame(first, 80)).toBe(`⠋ undisturbed run 1/2 ${"─".repeat(30)} 0 kills • 0:05`);
});

test.each([10, 20, 40, 60, 200])("fits into %d columns", (columns) => {
  expect(width(frame(third, columns))).toBeLessThan(columns);
});
