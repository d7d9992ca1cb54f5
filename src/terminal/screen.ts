// The owner of the terminal: the only place that writes to it while the regions are up.

import type { Env } from "../base/palette.ts";
import type { OutStream, Write } from "../base/streams.ts";
import { paint } from "./paint.ts";
import { rowsOf, width } from "../base/text.ts";

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
  let lost: readonly Piece[] = [];
  let hidden = false;
  // A terminal that nobody has sized yet says 0 by 0.
  const size = (): Size => ({ width: stream.columns || 80, height: stream.rows || 24 });
  const next = (now: Size, region: readonly string[], above: readonly string[]): string => {
    const pieces = [...lost, ...piecesOf(drawn, now, rewraps(env))];
    const rows = pieces.map((piece) => rowsOfPiece(piece, now, rewraps(env)));
    const taken = rows.reduce((sum, each) => sum + each, 0);
    const onScreen = Math.max(Math.min(taken, now.height - 1), 0);
    // What a resize pushed off the top comes back when the screen gets higher again, unless lines have gone
    // in between.
    lost = above.length > 0 ? [] : firstRows(pieces, rows, taken - onScreen, now);
    const text = paint({ before: drawn.lines, rowsBefore: onScreen, after: region, above });
    drawn = { lines: region, size: now };
    return text;
  };
  const restore = (before: string): void => {
    if (hidden) write(`${before}${resetColors}${showCursor}`);
    hidden = false;
    drawn = nothing;
    lost = [];
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

/** A line, or the beginning of one. `rows`: how many it takes up at the width of `size`. */
type Piece = {
  readonly columns: number;
  readonly rows: number;
  readonly size: Size;
  /** For the terminal it is one line with the row that was drawn below it. */
  readonly isCut: boolean;
};

/** Lines that are wider than a terminal has become take up more than one row of it. */
function piecesOf({ lines, size }: Drawn, now: Size, rewrapping: boolean): Piece[] {
  const isSame = size.width === now.width || !rewrapping;
  return lines.map((line) => ({
    columns: width(line),
    rows: isSame ? 1 : rowsOf(line, now.width),
    size: now,
    isCut: false,
  }));
}

/** Rather a row too few, whose remains stay, than one too many, which would be a log line. */
function rowsOfPiece(
  { columns, rows, size, isCut }: Piece,
  now: Size,
  rewrapping: boolean,
): number {
  if (size.width === now.width || !rewrapping) return rows;
  return isCut ? Math.floor(columns / now.width) : Math.max(1, Math.ceil(columns / now.width));
}

/** The pieces that take up the first `count` rows; the last one perhaps cut. */
function firstRows(
  pieces: readonly Piece[],
  rows: readonly number[],
  count: number,
  now: Size,
): Piece[] {
  const first: Piece[] = [];
  let left = count;
  for (const [i, { columns, isCut }] of pieces.entries()) {
    if (left <= 0) break;
    const all = rows[i];
    if (all === undefined) throw new Error("Internal error: a piece without rows");
    const taken = Math.min(left, all);
    const kept = Math.min(columns, taken * now.width);
    first.push({ columns: kept, rows: taken, size: now, isCut: isCut || taken < all });
    left -= taken;
  }
  return first;
}

/** xterm and the Linux console cut the lines off at a resize; everything else wraps them anew. */
const rewraps = (env: Env): boolean =>
  env["TMUX"] !== undefined || (env["XTERM_VERSION"] === undefined && env["TERM"] !== "linux");
