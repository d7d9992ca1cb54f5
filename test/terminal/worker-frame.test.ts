import { describe, expect, test } from "bun:test";

import { paletteOf } from "../../src/base/palette.ts";
import { width } from "../../src/base/text.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { maxLines } from "../../src/terminal/frame.ts";
import { workerFrame, type WorkerView } from "../../src/terminal/worker-frame.ts";
import { epoch } from "./rig.ts";

const task = (title: string, more: Partial<WorkerView["tasks"][number]> = {}) => ({
  title,
  run: "etl run 3",
  attempt: 1,
  startedAt: epoch,
  progress: undefined,
  message: undefined,
  ...more,
});

const idle: WorkerView = {
  name: "web1",
  engine: "redis://10.0.0.5:6379",
  startedAt: epoch - 60_000,
  lostAt: undefined,
  threads: 4,
  busyThreads: 0,
  slots: 4,
  running: 0,
  done: 0,
  failed: 0,
  perSecond: 0,
  runs: [],
  tasks: [],
  state: "working",
};

const busy: WorkerView = {
  ...idle,
  slots: 8,
  busyThreads: 4,
  running: 5,
  done: 12_345,
  failed: 2,
  perSecond: 142.4,
  runs: ["etl run 3", "posts run 12", "a pipeline with a long name run 7"],
  tasks: [
    task("load-page page=4", { progress: 0.6, message: "step 12 of 20" }),
    task("load-page page=5", { attempt: 2 }),
    task("日本語のとても長いタスク名前です", { run: "posts run 12", progress: 0.255 }),
  ],
};

function lines(view: WorkerView, columns = 80, rows = 24): readonly string[] {
  const look = { colors: paletteOf(0), glyphs: unicodeGlyphs };
  return workerFrame(view, { width: columns, height: rows, now: epoch + 3_400, ...look }).lines;
}

describe("the screen of a worker", () => {
  const sizes = [
    [200, 50],
    [80, 24],
    [40, 24],
    [20, 10],
    [10, 4],
    [1, 1],
  ] as const;
  test.each(sizes)("%d columns, %d rows", (columns, rows) => {
    const made = lines(busy, columns, rows);
    expect(made).toMatchSnapshot();
    expect(made.length).toBeLessThanOrEqual(maxLines(rows));
    for (const line of made) expect(width(line)).toBeLessThan(Math.max(2, columns));
  });

  test("an idle one waits for runs", () => {
    expect(lines(idle)).toEqual([
      expect.stringMatching(/^\S web1 +─+ 0\/4 threads • 0 done • 0\.0\/s • 1:03$/),
      "  connected to redis://10.0.0.5:6379",
      "  waits for runs",
    ]);
  });

  test("without its engine it says since when", () => {
    expect(lines({ ...busy, lostAt: epoch - 8_000 })[1]).toBe(
      "  reconnecting for 0:11 to redis://10.0.0.5:6379",
    );
  });

  test("tasks that have no room are counted, and so are short ones", () => {
    const many = Array.from({ length: 30 }, (_, i) => task(`load n=${i}`));
    const made = lines({ ...busy, running: 32, tasks: many }, 80, 16);
    expect(made).toHaveLength(maxLines(16));
    expect(made.at(-1)).toBe("  + 25 more running");
    expect(lines({ ...busy, tasks: [] }).slice(3)).toEqual(["  + 5 more running"]);
  });

  test("the last frame has no tasks, and says what it has done", () => {
    const made = lines({ ...busy, state: "ended", running: 0, busyThreads: 0 });
    expect(made).toEqual(["ℹ web1 12,345 done • 2 failed • 1:03"]);
  });

  test("control characters of a name are shown, not obeyed", () => {
    const evil = { ...busy, name: "a\x1b[2Jb", runs: ["p\x1b[31m run 1"] };
    for (const line of lines(evil)) expect(line).not.toContain("\x1b");
  });
});
