// The output of `logs`, as text and as data. Pure.
//
// `--json`, one object a line:
//
//   { "run", "id", "task", "label", "attempt", "at": time, "level": "debug" | "info" | "warn" | "error", "line", "machine" }
//
// `machine` only where a task of a run with an engine ran on another machine.
//
// JSON Schema: .github/schemas/logs.v1.schema.json.

import { Date, JSON } from "../base/globals.ts";
import type { Palette, Style } from "../base/palette.ts";
import { localTime } from "../base/relative-time.ts";
import { visible, visibleLines } from "../base/text.ts";
import { titleOf } from "../protocol/label.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { LogRow } from "../store/read/task-logs.ts";
import type { Glyphs } from "../terminal/glyphs.ts";

type LogView = { readonly colors: Palette; readonly glyphs: Glyphs };

/** `2026-01-31 12:00:00 ℹ load-page page=4 #9 on web1: fetched`; further lines of one log line are indented. */
export function logText(
  { at, level, task, label, id, line, machine }: LogRow,
  { colors, glyphs }: LogView,
): string {
  const { icon, body } = styleOf(level, colors, glyphs);
  const time = Date.parse(at);
  const where = machine === undefined ? "" : ` on ${visible(machine)}`;
  const head = [
    colors.dim(Number.isNaN(time) ? visible(at) : localTime(time)),
    icon,
    `${colors.bold(visible(titleOf(task, label)))} ${colors.dim(`#${id}${where}`)}:`,
  ].join(" ");
  const [first = "", ...rest] = visibleLines(line);
  const further = rest.map((text) => `${colors.dim(glyphs.rest)} ${body(text)}\n`);
  return `${head} ${body(first)}\n${further.join("")}`;
}

export const logJson = (row: LogRow): string => `${JSON.stringify(row)}\n`;

const plain: Style = (text) => text;

function styleOf(
  level: LogLevel,
  colors: Palette,
  glyphs: Glyphs,
): { readonly icon: string; readonly body: Style } {
  switch (level) {
    case "error":
      return { icon: colors.red(glyphs.failed), body: colors.red };
    case "warn":
      return { icon: colors.yellow(glyphs.warn), body: plain };
    case "info":
      return { icon: colors.cyan(glyphs.info), body: plain };
    case "debug":
      return { icon: colors.dim(glyphs.debug), body: colors.dim };
  }
}
