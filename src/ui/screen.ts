// The owner of the terminal: the only place that writes to it while the regions are up.

import type { Env } from "./color.ts";
import type { OutStream, Write } from "./output.ts";
import { paint } from "./paint.ts";
import { rowsOf } from "./text.ts";

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

type Drawn = { readonly lines: readonly string[]; readonly size: Size };

const nothing: Drawn = { lines: [], size: { width: 80, height: 24 } };

export function createScreen(stream: OutStream, write: Write, env: Env): Screen {
  let drawn = nothing;
  let lost = 0;
  let hidden = false;
  // A terminal that nobody has sized yet says 0 by 0.
  const size = (): Size => ({ width: stream.columns || 80, height: stream.rows || 24 });
  const next = (now: Size, region: readonly string[], above: readonly string[]): string => {
    const taken = rowsTaken(drawn, now, rewraps(env));
    const onScreen = Math.max(Math.min(taken + lost, now.height - 1), 0);
    // What a resize pushed off the top comes back when the screen gets higher again, unless lines have gone
    // in between.
    lost = above.length > 0 ? 0 : taken + lost - onScreen;
    const text = paint({ before: drawn.lines, rowsBefore: onScreen, after: region, above });
    drawn = { lines: region, size: now };
    return text;
  };
  const restore = (before: string): void => {
    if (hidden) write(`${before}${resetColors}${showCursor}`);
    hidden = false;
    drawn = nothing;
    lost = 0;
  };
  return {
    size,
    draw(region, above) {
      const text = next(size(), region, above);
      if (text === "") return;
      const hide = hidden || region.length === 0 ? "" : hideCursor;
      hidden ||= region.length > 0;
      write(hide + text);
    },
    release: () => restore(next(size(), [], [])),
    leave: () => restore(""),
  };
}

/** Lines that are wider than a terminal has become take up more than one row of it. */
function rowsTaken({ lines, size }: Drawn, now: Size, rewrapping: boolean): number {
  if (size.width === now.width || !rewrapping) return lines.length;
  return lines.reduce((sum, line) => sum + rowsOf(line, now.width), 0);
}

/** xterm and the Linux console cut the lines off at a resize; everything else wraps them anew. */
const rewraps = (env: Env): boolean =>
  env["TMUX"] !== undefined || (env["XTERM_VERSION"] === undefined && env["TERM"] !== "linux");
