import { describe, expect, test } from "bun:test";
import type { RunEvent } from "../../src/protocol/events.ts";
import { paletteOf } from "../../src/base/palette.ts";
import { unknownEta } from "../../src/terminal/eta.ts";
import type { FrameOptions } from "../../src/terminal/frame-layout.ts";
import { frame, maxLines } from "../../src/terminal/frame.ts";
import { asciiGlyphs, glyphsFor, unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { width } from "../../src/base/text.ts";
import { fold, newView } from "../../src/terminal/view.ts";
import { epoch, event } from "./rig.ts";

function lines(
  events: readonly RunEvent[],
  options: Partial<FrameOptions> = {},
): readonly string[] {
  const view = newView();
  fold(view, [event.runStarted(), ...events]);
  return frame(view, {
    width: 80,
    height: 24,
    now: epoch + 3400,
    colors: paletteOf(0),
    glyphs: unicodeGlyphs,
    eta: { remainingMs: 3900, perSecond: 12.5 },
    ...options,
  }).lines;
}

/** One task of each kind, and 42 of 100 finished. */
const mixed: readonly RunEvent[] = [
  event.total(100),
  ...Array.from({ length: 40 }, (_, i) => event.finished(i + 1)),
  event.finished(41, "error"),
  event.finished(42, "error"),
  event.started(43, 2000),
  event.progress(43, 0.6, "step 12 of 20"),
  event.started(44, 2000, "日本語のとても長いタスク名前です"),
  event.progress(44, 0.5),
  event.started(45, 1000, "no-progress"),
  event.started(46, 3000, "again", 2),
  event.progress(46, 0.255, "a message that is rather long for a terminal of this width"),
  event.retrying(47, 9000),
];
const sizes = [
  [200, 50],
  [120, 30],
  [80, 24],
  [60, 20],
  [40, 15],
  [20, 5],
  [10, 3],
  [1, 1],
] as const;

for (const [columns, rows] of sizes) {
  test(`a frame of ${columns}×${rows}`, () => {
    const made = lines(mixed, { width: columns, height: rows });
    expect(made).toMatchSnapshot();
    expect(made.length).toBeLessThanOrEqual(maxLines(rows));
    for (const line of made) expect(width(line)).toBeLessThan(Math.max(2, columns));
  });
}

describe("colours", () => {
  for (const level of [0, 1, 2, 3] as const) {
    test(`of level ${level}`, () => {
      const made = lines(mixed, { colors: paletteOf(level) });
      expect(made).toMatchSnapshot();
      // What is said does not depend on colours.
      expect(made.map((line) => Bun.stripANSI(line))).toEqual([...lines(mixed)]);
    });
  }
});

test("3,000 tasks are a screenful and a count", () => {
  const running = Array.from({ length: 3000 }, (_, i) => event.started(i + 1));
  const waiting = Array.from({ length: 40 }, (_, i) => event.retrying(4000 + i, 9000));
  const made = lines([event.total(5000), ...running, ...waiting]);
  expect(made).toHaveLength(maxLines(24));
  expect(made.at(-1)).toBe("  + 2,985 more running, 40 waiting for a retry, 1,960 queued");
  expect(
    lines([event.total(9), ...running.slice(0, 3), ...waiting], { height: 12 }),
  ).toMatchSnapshot();
});

const startedOn = (machine: string): RunEvent =>
  ({ ...event.started(1, 2000, "load"), machine }) as RunEvent;

test("in a run with an engine, a row says where its task runs", () => {
  const progress = event.progress(1, 0.5, "half");
  const [, row] = lines([event.total(2), startedOn("web1"), progress], { width: 100 });
  expect(row).toMatch(/^\S load +━+╸?─+ +50% 0:01 • web1 • half$/);
  const narrow = lines([event.total(2), startedOn("a-host-with-a-rather-long-name"), progress]);
  expect(narrow[1]).toMatch(/ 50% 0:01 • half$/);
});

describe("states of the run", () => {
  test("nothing is known yet", () => {
    expect(lines([event.total(100)], { eta: unknownEta })).toMatchSnapshot();
  });
  test("a stream without a known total", () => {
    const done = Array.from({ length: 1234 }, (_, i) => event.finished(i + 1));
    const events = [event.total(2000, false), ...done, event.started(2000)];
    expect(lines(events, { eta: { remainingMs: null, perSecond: 251 } })).toMatchSnapshot();
  });
  test("no tasks at all", () => {
    expect(lines([event.total(0), event.runFinished()])).toMatchSnapshot();
  });
  for (const status of ["done", "error", "cancelled"] as const) {
    test(`finished: ${status}`, () => {
      const events = [
        event.total(2),
        event.finished(1),
        event.finished(2, status === "done" ? "done" : status),
      ];
      expect(lines([...events, event.runFinished(status)])).toMatchSnapshot();
    });
  }
  test("before it began there is nothing", () => {
    const options = { width: 80, height: 24, now: epoch, colors: paletteOf(0) };
    const made = frame(newView(), { ...options, glyphs: unicodeGlyphs, eta: unknownEta });
    expect(made.lines).toEqual([]);
  });
});

test("what running tasks have done moves the bar of all tasks, and 100 % is kept for the end", () => {
  const events = [event.total(4), event.finished(1), event.started(2), event.started(3)];
  const half = lines([...events, event.progress(2, 0.5), event.progress(3, 0.5)]);
  expect(half[0]).toContain("━".repeat(15) + "─".repeat(15) + "  50% 1/4");
  const running = [2, 3, 4].flatMap((id) => [event.started(id), event.progress(id, 1)]);
  expect(lines([event.total(4), event.finished(1), ...running])[0]).toContain(" 99% 1/4");
  // The last events of a run that is followed may be missing.
  expect(lines([...events, event.runFinished("done")])[0]).toContain(" 100% 1/4");
  expect(lines([...events, event.runFinished("error")])[0]).toContain("  25% 1/4");
});

test("what is left is not said while the run stops, and what is queued will not start", () => {
  const view = newView();
  fold(view, [event.runStarted(), event.total(100), event.finished(1), event.started(2)]);
  view.stopping = "soon";
  const options = { width: 80, height: 24, now: epoch + 3400, colors: paletteOf(0) };
  const eta = { remainingMs: 3900, perSecond: 1 };
  const made = frame(view, { ...options, glyphs: unicodeGlyphs, eta }).lines;
  expect(made[0]).toEndWith("1/100 • 0:03 elapsed");
  expect(made.at(-1)).toBe("  + 98 not started");
});

test("the bar of all tasks does not move when the remaining time becomes known", () => {
  const [before, after] = [unknownEta, { remainingMs: 3900, perSecond: 12.5 }].map((eta) =>
    barColumns(lines(mixed, { eta })[0] ?? ""),
  );
  expect(before).toBeGreaterThan(0);
  expect(after).toBe(before ?? 0);
});

const barColumns = (line: string): number => /[━─]+/.exec(line)?.[0].length ?? 0;

test("times of tasks line up, whatever their length", () => {
  const now = epoch + 3_723_000;
  const made = lines([event.total(2), event.started(1, 0), event.started(2, 3_700_000)], { now });
  expect(made.slice(1).map((line) => line.slice(-7))).toEqual(["1:02:03", "   0:23"]);
});

test("a frame of 3,000 running tasks costs as much as its rows", () => {
  const view = newView();
  const running = Array.from({ length: 3000 }, (_, i) => event.started(i + 1));
  fold(view, [event.runStarted(), event.total(5000), ...running]);
  let looked = 0;
  const values = view.running.values.bind(view.running);
  view.running.values = function* () {
    for (const task of values()) {
      looked++;
      yield task;
    }
    return undefined;
  };
  const options = { width: 80, height: 24, now: epoch, colors: paletteOf(0), eta: unknownEta };
  frame(view, { ...options, glyphs: unicodeGlyphs });
  expect(looked).toBeLessThan(24);
});

test("one failure of a thousand is seen in the bar, and 100 % is said of a whole only", () => {
  const done = Array.from({ length: 998 }, (_, i) => event.finished(i + 1));
  const [line = ""] = lines([event.total(1000), ...done, event.finished(999, "error")], {
    colors: paletteOf(1),
  });
  expect(line).toContain("\x1b[31m━\x1b[39m");
  expect(line).toContain(" 99%");
});

test("names only ever widen their column", () => {
  const view = newView();
  fold(view, [event.runStarted(), event.total(3), event.started(1, 0, "a-rather-long-name")]);
  const options = {
    width: 100,
    height: 24,
    now: epoch,
    colors: paletteOf(0),
    glyphs: unicodeGlyphs,
  };
  const first = frame(view, { ...options, eta: unknownEta });
  fold(view, [event.finished(1), event.started(2)]);
  const next = frame(view, { ...options, eta: unknownEta, labelWidth: first.labelWidth });
  expect(next.lines[1]?.indexOf("━")).toBe(first.lines[1]?.indexOf("━"));
});

test("a terminal without these characters gets ASCII", () => {
  expect(glyphsFor({ TERM: "linux" }, "linux")).toBe(asciiGlyphs);
  expect(glyphsFor({ TERM: "xterm" }, "linux")).toBe(unicodeGlyphs);
  expect(glyphsFor({}, "win32")).toBe(asciiGlyphs);
  expect(glyphsFor({ WT_SESSION: "1" }, "win32")).toBe(unicodeGlyphs);
  for (const line of lines(
    mixed.filter((each) => !("name" in each && each.name.startsWith("日"))),
    { glyphs: asciiGlyphs },
  )) {
    // The ellipsis aside, which every font has.
    expect(line.replace("…", "")).toMatch(/^[\x20-\x7e]*$/);
  }
});
