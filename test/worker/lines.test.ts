import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LineBuffer } from "../../src/worker/lines.ts";

function linesOf(pieces: readonly string[]): string[] {
  const lines: string[] = [];
  const buffer = new LineBuffer((line) => lines.push(line));
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

  test("an end where there is nothing gives nothing", () => {
    expect(linesOf(["a\n"])).toEqual(["a"]);
  });
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
