// A consola log object as the lines that are shown. Pure.

import type { LogObject, LogType } from "consola/core";
import type { Palette, Style } from "../base/palette.ts";
import { fit, visible, visibleLines } from "../base/text.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Glyphs } from "./glyphs.ts";

/** A longer line is cut on the screen; the log file and the database keep all of it. */
const maxColumns = 8_000;

export type Look = { readonly colors: Palette; readonly glyphs: Glyphs };

/** `ℹ task-43: loaded 12 rows`; further lines are indented. Printed text (`consola.log`) has no icon. */
export function logLines(look: Look, logged: LogObject): string[] {
  const lines = visibleLines(logged.args.map(String).join(" "));
  if (logged.type === "log") return lines;
  const { colors, glyphs } = look;
  const { icon, style } = iconOf(look, logged.type);
  const body = bodyStyle(colors, logged.type);
  const joint = logged["about"] === undefined ? ": " : " ";
  const task = logged.tag === "" ? "" : colors.bold(visible(logged.tag)) + joint;
  return lines.map((line, i) =>
    fit(
      i === 0 ? `${style(icon)} ${task}${body(line)}` : `${colors.dim(glyphs.rest)} ${body(line)}`,
      maxColumns,
    ),
  );
}

function bodyStyle({ red, dim }: Palette, type: LogType): Style {
  if (type === "fail" || type === "error" || type === "fatal") return red;
  return type === "debug" ? dim : (text) => text;
}

function iconOf({ colors, glyphs }: Look, type: LogType): { icon: string; style: Style } {
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
