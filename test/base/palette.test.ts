import { expect, test } from "bun:test";
import { colorLevel, paletteOf } from "../../src/base/palette.ts";

test.each([
  [true, { TERM: "xterm-256color" }, 2],
  [true, { TERM: "xterm", COLORTERM: "truecolor" }, 3],
  [true, { TERM: "xterm" }, 1],
  [false, { TERM: "xterm" }, 0],
  [true, { TERM: "dumb" }, 0],
  [true, { TERM: "xterm", NO_COLOR: "1" }, 0],
  [true, { TERM: "xterm", NO_COLOR: "", FORCE_COLOR: "" }, 1],
  [false, { FORCE_COLOR: "1", NO_COLOR: "1" }, 1],
  [false, { FORCE_COLOR: "true" }, 1],
  [false, { FORCE_COLOR: "3" }, 3],
  [true, { FORCE_COLOR: "0", TERM: "xterm" }, 0],
] as const)("a terminal: %p, environment: %j: level %d", (isTty, env, level) => {
  expect(colorLevel(env, isTty)).toBe(level);
});

test("without colours nothing is added", () => {
  expect(paletteOf(0).red("x")).toBe("x");
  expect(paletteOf(1).red("x")).toBe("\x1b[31mx\x1b[39m");
  expect(paletteOf(1).red("")).toBe("");
});
