import { expect, test } from "bun:test";

import { failureLines } from "../../src/commands/failures-view.ts";
import { paletteOf } from "../../src/base/palette.ts";
import type { SeenAttempt } from "../../src/store/read/earlier-attempts.ts";
import type { FailedTask, FailureGroup } from "../../src/store/read/failed-tasks.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";

const failed = (id: number, message = "no column"): FailedTask => ({
  id,
  name: "load",
  label: null,
  attempt: 3,
  machine: null,
  failure: { name: "TypeError", message, stack: "at etl.ts" },
  earlierAttempts: [],
});
const group = (count: number, message?: string): FailureGroup => ({
  message: `TypeError: ${message ?? "no column"}`,
  tasks: Array.from({ length: Math.min(count, 3) }, (_, i) => failed(i + 1, message)),
  count,
  logs: [],
});

const lines = (groups: readonly FailureGroup[], width = Number.POSITIVE_INFINITY): string[] =>
  failureLines(groups, {
    now: 0,
    width,
    colors: paletteOf(0),
    glyphs: unicodeGlyphs,
    placeOf: (stack) => (stack === "" ? undefined : "etl.ts:3:7"),
  });

test("the message, the place, the attempts", () => {
  expect(lines([group(1)])).toEqual([
    "✖ load #1: TypeError: no column",
    "  etl.ts:3:7, 3 attempts",
  ]);
  const away = { ...failed(1), machine: "web1" };
  expect(lines([{ ...group(1), tasks: [away] }])[1]).toBe("  etl.ts:3:7, 3 attempts, on web1");
  const [task] = group(1).tasks;
  if (task === undefined) throw new Error("no task");
  const bare: FailedTask = { ...task, attempt: 1, failure: { name: "Error", message: "m" } };
  expect(lines([{ message: "m", tasks: [bare], count: 1, logs: [] }])).toEqual(["✖ load #1: m"]);
});

const ended = (attempt: number, outcome: string, message: string): SeenAttempt => {
  const error = message === "" ? null : { name: "TypeError", message };
  return { attempt, outcome, error, worker: 0, machine: null, startedAt: null, finishedAt: null };
};
const linesOf = (...earlierAttempts: readonly SeenAttempt[]): readonly string[] =>
  lines([{ ...group(1), tasks: [{ ...failed(1), earlierAttempts }] }]).slice(2);

test("earlier attempts, where they ended in another way than the last one", () => {
  const same = [1, 2].map((attempt) => ended(attempt, "error", "no column"));
  expect(linesOf(...same)).toEqual([]);
  expect(linesOf(...same, ended(3, "interrupted", ""))).toEqual([
    "  attempts 1, 2: the same",
    "  attempt 3: interrupted",
  ]);
  const many = [1, 2, 3, 4, 5, 6, 7].map((attempt) =>
    ended(attempt, "error", attempt < 4 ? "a\nb" : `m${attempt}`),
  );
  expect(linesOf(...many.slice(0, 4))).toEqual([
    "  attempts 1–3: TypeError: a",
    "  attempt 4: TypeError: m4",
  ]);
  expect(linesOf(...many)[0]).toBe("  …");
  expect(linesOf(...many)).toHaveLength(4);
});

test("others like it are named, as far as they are known", () => {
  expect(lines([group(3)]).at(-1)).toBe("  and 2 more like it: load #2, load #3");
  expect(lines([group(1200)]).at(-1)).toBe("  and 1,199 more like it: load #2, load #3, …");
});

test("five messages are shown, the rest is counted", () => {
  const all = Array.from({ length: 7 }, (_, i) => group(1, `m${i}`));
  expect(lines(all).filter((line) => line.startsWith("✖"))).toHaveLength(5);
  expect(lines(all).at(-1)).toBe("… and 2 with other messages");
});

test("a long message takes several rows of a narrow terminal", () => {
  const message = "no column of this name in the file of the day";
  const shown = lines([group(1, message)], 30);
  for (const line of shown) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(30);
  expect(
    shown
      .slice(0, -1)
      .map((line) => line.trim())
      .join(" "),
  ).toBe(`✖ load #1: TypeError: ${message}`);
});

test("control characters are shown, not obeyed", () => {
  for (const line of lines([group(2, "\x1b[2J\x07")])) expect(line).not.toMatch(/\p{Cc}/u);
});
