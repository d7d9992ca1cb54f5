import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Mask } from "../../src/protocol/mask.ts";
import { LineBuffer } from "../../src/base/line-buffer.ts";

function linesOf(pieces: readonly string[], mask?: Mask): string[] {
  const lines: string[] = [];
  const buffer = new LineBuffer((line) => lines.push(line), mask);
  for (const piece of pieces) buffer.write(piece);
  buffer.end();
  return lines;
}

describe("lines from pieces", () => {
  test.each([
    [["a\nb\n"], ["a", "b"]],
    [
      ["a", "b\nc", "\n"],
      ["ab", "c"],
    ],
    [["no end"], ["no end"]],
    [["\n\n"], ["", ""]],
    [
      ["dos\r\n", "torn\r", "\n"],
      ["dos", "torn"],
    ],
    [[""], []],
  ])("%j", (pieces, lines) => {
    expect(linesOf(pieces)).toEqual(lines);
  });

  test("a line of a megabyte is cut, whether it has an end or not", () => {
    const long = "x".repeat(1_000_000);
    for (const text of [long, `${long}\n`]) {
      const lines = linesOf([text]);
      expect(lines.join("")).toBe(long);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(8192);
    }
  });

  test("a line that was cut at its very end is followed by no empty line", () => {
    const long = "x".repeat(9000);
    expect(linesOf([long, "\n", "next\n"])).toEqual([
      long.slice(0, 8192),
      long.slice(8192),
      "next",
    ]);
  });

  test("a cut does not tear a character of two code units", () => {
    const long = `a${"😀".repeat(9000)}`;
    const lines = linesOf([long]);
    expect(lines.join("")).toBe(long);
    expect(lines.every((line) => line.isWellFormed())).toBe(true);
  });

  test("an end where there is nothing gives nothing", () => {
    expect(linesOf(["a\n"])).toEqual(["a"]);
  });
});

function redrawn(pieces: readonly (string | number)[]): string[] {
  const lines: string[] = [];
  let now = 0;
  const buffer = new LineBuffer(
    (line) => lines.push(line),
    undefined,
    () => now,
  );
  for (const piece of pieces) {
    if (typeof piece === "number") now += piece;
    else buffer.write(piece);
  }
  buffer.end();
  return lines;
}
const bar = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `\r${from + i} %`);

describe("a line that is drawn again after a carriage return", () => {
  test("few redraws are lines of their own", () => {
    expect(redrawn(["a\rb\rc\n", "d\n"])).toEqual(["a", "b", "c", "d"]);
    expect(redrawn(["a\r", "b\r", "\nc"])).toEqual(["a", "b", "c"]);
  });

  test("of a thousand within a second the first five and the last are lines", () => {
    const first = Array.from({ length: 5 }, (_, i) => `${i} %`);
    expect(redrawn([...bar(0, 1000), "\nnext\n"])).toEqual([...first, "1000 %", "next"]);
    expect(redrawn(bar(0, 1000))).toEqual([...first, "1000 %"]);
  });

  test("later ones come once a second", () => {
    const pieces = bar(0, 12).flatMap((piece) => [piece, 400]);
    expect(redrawn([...pieces, ...bar(13, 20)]).slice(5)).toEqual(["7 %", "10 %", "20 %"]);
  });

  test("a full bar that is wiped with blanks or an escape sequence stays", () => {
    expect(redrawn([...bar(0, 100), "\r      \r\n"]).at(-1)).toBe("100 %");
    expect(redrawn([...bar(0, 100), "\r\x1b[2K", "\r\n"]).at(-1)).toBe("100 %");
  });

  test("a line break of two characters is no redraw", () => {
    expect(redrawn(["a\r\n\r\nb\r", "\n"])).toEqual(["a", "", "b"]);
  });
});

test("property: wherever a long line is cut, no piece of a secret is left", () => {
  const secret = "s3cr3t-0123456789";
  const mask = Mask.of(["KEY"], { KEY: secret });
  const before = fc.integer({ min: 8192 - 2 * secret.length, max: 8192 + 2 * secret.length });
  fc.assert(
    fc.property(
      before,
      fc.array(fc.nat(9000), { maxLength: 4 }),
      fc.boolean(),
      (at, cuts, ends) => {
        const whole = `${"x".repeat(at)}${secret}${"y".repeat(9000)}${ends ? "\n" : ""}`;
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const pieces = places.slice(1).map((to, i) => whole.slice(places[i], to));
        const lines = linesOf(pieces, mask).map((line) => mask?.text(line) ?? line);
        expect(lines.join("")).toBe(`${"x".repeat(at)}***${"y".repeat(9000)}`);
      },
    ),
  );
});

test("property: however it is torn, the lines are the text's", () => {
  const text = fc.array(
    fc.string({ maxLength: 20 }).map((line) => line.replaceAll(/[\r\n]/g, "_")),
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(50)), (lines, cuts) => {
      const whole = lines.map((line) => `${line}\n`).join("");
      const pieces: string[] = [];
      let rest = whole;
      for (const cut of cuts) {
        pieces.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      expect(linesOf([...pieces, rest])).toEqual(lines);
    }),
  );
});
