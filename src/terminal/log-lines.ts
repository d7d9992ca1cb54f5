// The one consola reporter. It formats, and hands the lines to whoever owns the stream.

import type { ConsolaInstance, ConsolaReporter, LogObject, LogType } from "consola/core";
import { createConsola, LogLevels } from "consola/core";
import { Date } from "../base/globals.ts";
import type { LogLevel } from "../protocol/status.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Palette, Style } from "../base/palette.ts";
import type { Glyphs } from "./glyphs.ts";
import type { Line } from "./event-formatter.ts";
import { fit, visible, visibleLines } from "../base/text.ts";

/** A longer line is cut on the screen; the log file and the database have it whole. */
const maxColumns = 8_000;

export type Label = (task: NonNullable<Line["task"]>) => string;
export type Look = { readonly colors: Palette; readonly glyphs: Glyphs };

export type Logger = { line(line: Line): void };

/** What is logged at all has been decided before (see event-formatter.ts), so consola lets everything through. */
export function createLogger(
  look: Look,
  label: Label,
  print: (lines: readonly string[]) => void,
): Logger {
  const consola = createConsola({
    level: LogLevels.verbose,
    // consola would fold equal lines into one; a log has each.
    throttle: 0,
    reporters: [reporter(look, print)],
  });
  return {
    line: ({ at, level, task, text, about }) =>
      method(
        consola,
        level,
        about,
      )({
        args: [text],
        date: new Date(at),
        ...(task === null ? {} : { tag: label(task) }),
        ...(about === undefined ? {} : { about }),
      }),
  };
}

function method(consola: ConsolaInstance, level: LogLevel, about: Line["about"]) {
  if (about === "failed") return consola.fail;
  return about === "done" ? consola.success : consola[level];
}

const reporter = (look: Look, print: (lines: readonly string[]) => void): ConsolaReporter => ({
  log(logged: LogObject) {
    const text = logged.args.map(String).join(" ");
    const joint = logged["about"] === undefined ? ": " : " ";
    const task = logged.tag === "" ? "" : look.colors.bold(visible(logged.tag)) + joint;
    print(format(look, logged.type, task, text));
  },
});

/** `ℹ task-43: loaded 12 rows`; a second and later lines hang below. */
function format(look: Look, type: LogType, task: string, text: string): string[] {
  const { icon, style } = head(look, type);
  const loud = type === "fail" || type === "error" || type === "fatal";
  const body = loud
    ? look.colors.red
    : type === "debug"
      ? look.colors.dim
      : (plain: string) => plain;
  return visibleLines(text).map((each, i) =>
    fit(
      i === 0
        ? `${style(icon)} ${task}${body(each)}`
        : `${look.colors.dim(look.glyphs.rest)} ${body(each)}`,
      maxColumns,
    ),
  );
}

function head({ colors, glyphs }: Look, type: LogType): { icon: string; style: Style } {
  switch (type) {
    case "fail":
    case "error":
    case "fatal":
      return { icon: glyphs.failed, style: colors.red };
    case "warn":
      return { icon: glyphs.warn, style: colors.yellow };
    case "success":
    case "ready":
      return { icon: glyphs.done, style: colors.green };
    case "debug":
    case "trace":
    case "verbose":
      return { icon: glyphs.debug, style: colors.dim };
    case "silent":
    case "log":
    case "info":
    case "start":
    case "box":
      return { icon: glyphs.info, style: colors.cyan };
    default:
      return assertNever(type);
  }
}
