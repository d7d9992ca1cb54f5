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

/** WCAG 2: relative luminance of a colour of sRGB. */
function luminance(rgb: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((each) => {
    const part = each / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const contrast = (a: number, b: number): number =>
  (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

/** The fixed colour that a style opens with; undefined where the theme decides. */
function fixedColor(opened: string): readonly number[] | undefined {
  const [, kind, rest = ""] = /\[38;([25]);([\d;]+)m/.exec(opened) ?? [];
  if (kind === "2") return rest.split(";").map(Number);
  if (kind === undefined) return undefined;
  const index = Number(rest) - 16;
  expect(index).toBeWithin(0, 216);
  return [Math.trunc(index / 36), Math.trunc(index / 6) % 6, index % 6].map((part) =>
    part === 0 ? 0 : 55 + 40 * part,
  );
}

test("colours that no theme can change are readable on black and on white", () => {
  let fixed = 0;
  for (const level of [0, 1, 2, 3] as const) {
    const { level: _, ...styles } = paletteOf(level);
    for (const style of Object.values(styles)) {
      const rgb = fixedColor(style("x"));
      // Bright colours, and grey, are made for one of the grounds.
      expect(style("x")).not.toMatch(/\[9\d/);
      if (rgb === undefined) continue;
      fixed++;
      for (const ground of [0, 1]) expect(contrast(luminance(rgb), ground)).toBeGreaterThan(3);
    }
  }
  expect(fixed).toBe(6);
});
