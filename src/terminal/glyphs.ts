// The characters of the regions and the log, and an ASCII set for terminals without them.

import type { Env } from "../base/palette.ts";

export type Glyphs = {
  readonly spinner: readonly string[];
  readonly done: string;
  readonly failed: string;
  readonly cancelled: string;
  readonly waiting: string;
  readonly info: string;
  readonly warn: string;
  readonly debug: string;
  /** The bar: its finished part, a half step, and the remaining part. */
  readonly full: string;
  readonly half: string;
  readonly track: string;
  readonly separator: string;
  /** Before the further lines of one log line. */
  readonly rest: string;
  /** Of a spark line, lowest first. */
  readonly levels: readonly string[];
};

const unicode: Glyphs = {
  spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
  done: "✔",
  failed: "✖",
  cancelled: "■",
  waiting: "↻",
  info: "ℹ",
  warn: "⚠",
  debug: "·",
  full: "━",
  half: "╸",
  track: "─",
  separator: " • ",
  rest: "│",
  levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

const ascii: Glyphs = {
  spinner: ["-", "\\", "|", "/"],
  done: "+",
  failed: "x",
  cancelled: "-",
  waiting: "~",
  info: "i",
  warn: "!",
  debug: ".",
  full: "=",
  half: "-",
  track: ".",
  separator: " - ",
  rest: "|",
  levels: ["_", ".", "-", "=", "^"],
};

/** The Linux console and the old Windows console lack most of them; every other terminal is UTF-8. */
export function glyphsFor(env: Env, platform: NodeJS.Platform = process.platform): Glyphs {
  if (platform !== "win32") return env["TERM"] === "linux" ? ascii : unicode;
  const modern = ["WT_SESSION", "TERM_PROGRAM", "ConEmuTask", "TERM"];
  return modern.some((name) => env[name] !== undefined) ? unicode : ascii;
}

export const unicodeGlyphs = unicode;
export const asciiGlyphs = ascii;
