// The regions on a terminal: what is on its rows now, and the text that changes it to the next frame.

import type { Env } from "../base/palette.ts";
import type { OutStream, Write } from "../base/streams.ts";
import { paint } from "./frame-diff.ts";
import { rowsOf, width } from "../base/text.ts";

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const resetColors = "\x1b[0m";
/** A frame turns it off and on again; a terminal that has lost the end of one would keep it off. */
const autowrap = "\x1b[?7h";

export type Size = { readonly width: number; readonly height: number };

type Drawn = { readonly lines: readonly string[]; readonly size: Size };

const nothing: Drawn = { lines: [], size: { width: 80, height: 24 } };

export class Screen {
  readonly #stream: OutStream;
  readonly #write: Write;
  readonly #rewraps: boolean;
  #drawn = nothing;
  /** Rows that a resize has pushed off the top. */
  #lost: readonly Piece[] = [];
  #hidesCursor = false;

  constructor(stream: OutStream, write: Write, env: Env) {
    this.#stream = stream;
    this.#write = write;
    this.#rewraps = rewraps(env);
  }

  /** A terminal whose size is not set yet reports 0 by 0. */
  size(): Size {
    return { width: this.#stream.columns || 80, height: this.#stream.rows || 24 };
  }

  /** Prints `above` for good, and draws `region` below it in place of the last region. */
  draw(region: readonly string[], above: readonly string[]): void {
    const text = this.#update(region, above);
    if (text === "") return;
    const hide = this.#hidesCursor || region.length === 0 ? "" : hideCursor;
    this.#hidesCursor ||= region.length > 0;
    this.#write(hide + text);
  }

  /** Removes the region and gives the terminal back. A later `draw` takes it again. */
  release(): void {
    this.#restore(this.#update([], []));
  }

  /** Gives the terminal back and leaves the region where it is. */
  leave(): void {
    this.#restore("");
  }

  #update(region: readonly string[], above: readonly string[]): string {
    const size = this.size();
    const pieces = [...this.#lost, ...piecesOf(this.#drawn, size, this.#rewraps)];
    const rows = pieces.map((piece) => rowsOfPiece(piece, size, this.#rewraps));
    const taken = rows.reduce((sum, each) => sum + each, 0);
    const onScreen = Math.max(Math.min(taken, size.height - 1), 0);
    // Rows that a resize has pushed off the top come back when the screen gets higher, unless lines were printed since.
    this.#lost = above.length > 0 ? [] : firstRows(pieces, rows, taken - onScreen, size);
    const text = paint({ before: this.#drawn.lines, rowsBefore: onScreen, after: region, above });
    this.#drawn = { lines: region, size };
    return text;
  }

  #restore(before: string): void {
    if (this.#hidesCursor) this.#write(`${before}${resetColors}${autowrap}${showCursor}`);
    this.#hidesCursor = false;
    this.#drawn = nothing;
    this.#lost = [];
  }
}

/** A drawn line, or the beginning of one. */
type Piece = {
  readonly columns: number;
  /** Rows that it takes up at the width of `size`. */
  readonly rows: number;
  readonly size: Size;
  /** The terminal takes it for one line with the row drawn below it. */
  readonly isCut: boolean;
};

/** A line that is wider than the terminal is now takes up several rows. */
function piecesOf({ lines, size }: Drawn, now: Size, rewrapping: boolean): Piece[] {
  const isSame = size.width === now.width || !rewrapping;
  return lines.map((line) => ({
    columns: width(line),
    rows: isSame ? 1 : rowsOf(line, now.width),
    size: now,
    isCut: false,
  }));
}

/** Rounds down where it is unsure: a row too few leaves remains of a frame, a row too many erases a log line. */
function rowsOfPiece(
  { columns, rows, size, isCut }: Piece,
  now: Size,
  rewrapping: boolean,
): number {
  if (size.width === now.width || !rewrapping) return rows;
  return isCut ? Math.floor(columns / now.width) : Math.max(1, Math.ceil(columns / now.width));
}

/** The pieces of the first `count` rows; the last one may be cut. */
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

/** At a resize, xterm and the Linux console cut lines off; every other terminal wraps them again. */
const rewraps = (env: Env): boolean =>
  env["TMUX"] !== undefined || (env["XTERM_VERSION"] === undefined && env["TERM"] !== "linux");
