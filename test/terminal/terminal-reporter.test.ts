import { expect, test } from "bun:test";
import { createConsola } from "consola/core";
import { paletteOf } from "../../src/base/palette.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { Screen } from "../../src/terminal/screen.ts";
import { TerminalReporter } from "../../src/terminal/terminal-reporter.ts";
import { VirtualTerminal } from "../support/virtual-terminal.ts";

function reporting(regions: readonly string[], isForeground = () => true) {
  const terminal = new VirtualTerminal({ columns: 40, rows: 12 });
  const reporter = new TerminalReporter({
    screen: new Screen(terminal, (text) => terminal.write(text), {}),
    look: { colors: paletteOf(0), glyphs: unicodeGlyphs },
    regions: () => regions,
    isForeground,
  });
  const consola = createConsola({ reporters: [reporter], throttle: 0 });
  const shown = (): string[] => terminal.screen().filter((line) => line !== "");
  return { terminal, reporter, consola, shown };
}

test("log lines of consola stand above the regions, and come with the next frame", () => {
  const { terminal, reporter, consola, shown } = reporting(["All tasks", "task-1"]);
  reporter.tick();
  consola.info("one\ntwo");
  consola.withTag("load").warn("tagged");
  consola.fail("failed");
  consola.log("printed");
  expect(terminal.writes).toHaveLength(1);
  reporter.tick();
  expect(terminal.writes).toHaveLength(2);
  expect(shown()).toEqual([
    "ℹ one",
    "│ two",
    "⚠ load: tagged",
    "✖ failed",
    "printed",
    "All tasks",
    "task-1",
  ]);
});

test("while the shell has the terminal, lines wait", () => {
  const { terminal, reporter, consola, shown } = reporting(["All tasks"]);
  consola.info("first");
  reporter.tick();
  reporter.release();
  expect(shown()).toEqual(["ℹ first"]);
  expect(terminal.cursorVisible).toBe(true);
  const { length } = terminal.writes;
  consola.info("held");
  reporter.tick();
  expect(terminal.writes).toHaveLength(length);
  reporter.resume();
  reporter.tick();
  expect(shown()).toEqual(["ℹ first", "ℹ held", "All tasks"]);
});

test("in the background, lines are drawn and regions are not", () => {
  let isForeground = false;
  const { reporter, consola, shown } = reporting(["All tasks"], () => isForeground);
  consola.info("line");
  reporter.tick();
  expect(shown()).toEqual(["ℹ line"]);
  isForeground = true;
  reporter.tick();
  expect(shown()).toEqual(["ℹ line", "All tasks"]);
});

test("the last frame stays, and nothing is written after it", () => {
  const { terminal, reporter, consola, shown } = reporting(["All tasks"]);
  reporter.tick();
  consola.info("last");
  reporter.close(["summary"]);
  expect(shown()).toEqual(["ℹ last", "All tasks", "summary"]);
  expect(terminal.cursorVisible).toBe(true);
  const { length } = terminal.writes;
  consola.info("late");
  reporter.tick();
  reporter.release();
  reporter.close(["again"]);
  expect(terminal.writes).toHaveLength(length);
});
