// The characters that are drawn with, and a set for terminals that have no others than ASCII.

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
  /** The bar: what is done, its half step, and the track with its half step where it begins. */
  readonly full: string;
  readonly half: string;
  readonly track: string;
  readonly separator: string;
  /** Before the second and later lines of one log line. */
  readonly rest: string;
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
};

/** The Linux console and the old Windows one lack most of them; everything else is UTF-8 today. */
export function glyphsFor(env: Env, platform: NodeJS.Platform = process.platform): Glyphs {
  if (platform !== "win32") return env["TERM"] === "linux" ? ascii : unicode;
  const modern = ["WT_SESSION", "TERM_PROGRAM", "ConEmuTask", "TERM"];
  return modern.some((name) => env[name] !== undefined) ? unicode : ascii;
}

export const unicodeGlyphs = unicode;
export const asciiGlyphs = ascii;
