// The owner of the terminal: the only place that writes to it while the regions are up.

import type { Env } from "./color.ts";
import type { OutStream, Write } from "./output.ts";
import { paint } from "./paint.ts";
import { width } from "./text.ts";

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const resetColors = "\x1b[0m";

export type Size = { readonly width: number; readonly height: number };

export type Screen = {
  size(): Size;
  /** `above` goes above the region and stays; `region` takes the place of the last one. */
  draw(region: readonly string[], above: readonly string[]): void;
  /** Takes the region away and gives the terminal back. A later `draw` takes it again. */
  release(): void;
  /** Gives the terminal back and leaves the region where it is. */
  leave(): void;
};

export function createScreen(stream: OutStream, write: Write, env: Env): Screen {
  let drawn: readonly string[] = [];
  let drawnWidth = 0;
  let hidden = false;
  const size = (): Size => ({ width: stream.columns ?? 80, height: stream.rows ?? 24 });
  const rows = (columns: number): number =>
    columns === drawnWidth || !rewraps(env) ? drawn.length : rowsAt(drawn, columns);
  const restore = (before: string): void => {
    if (hidden) write(`${before}${resetColors}${showCursor}`);
    hidden = false;
    drawn = [];
  };
  return {
    size,
    draw(region, above) {
      const { width: columns } = size();
      const text = paint({ before: drawn, rowsBefore: rows(columns), after: region, above });
      drawn = region;
      drawnWidth = columns;
      if (text === "") return;
      const hide = hidden || region.length === 0 ? "" : hideCursor;
      hidden ||= region.length > 0;
      write(hide + text);
    },
    release() {
      restore(paint({ before: drawn, rowsBefore: rows(size().width), after: [], above: [] }));
    },
    leave: () => restore(""),
  };
}

/** Lines that are wider than a terminal has become take up more than one row of it. */
const rowsAt = (lines: readonly string[], columns: number): number =>
  lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(width(line) / columns)), 0);

/** xterm and the Linux console cut the lines off at a resize; everything else wraps them anew. */
const rewraps = (env: Env): boolean =>
  env["TMUX"] !== undefined || (env["XTERM_VERSION"] === undefined && env["TERM"] !== "linux");
