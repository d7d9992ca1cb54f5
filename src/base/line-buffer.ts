// Text that arrives in pieces, as lines.

import { systemClock } from "./clock.ts";

/** A longer line is split: no log line is a megabyte. */
const maxLineChars = 8192;
/** The first redraws of a progress bar become lines at once, later ones at most one per `redrawMs`. */
const freeRedraws = 5;
const redrawMs = 1000;
// eslint-disable-next-line no-control-regex
const eraseLine = /\x1b\[[0-2]?K/g;

/** Hides secrets in text. */
type TextMask = {
  /** Characters of the longest secret. */
  readonly longest: number;
  text(text: string): string;
};

/**
 * Splits at line breaks. Long lines are masked before they are split, so that no split leaves half a secret.
 * Each redraw after a carriage return (a progress bar) is a line. Frequent redraws are dropped, except the last one
 * before the line ends.
 */
export class LineBuffer {
  #pieces: string[] = [];
  #length = 0;
  /** The last character was a carriage return: the next one tells a line break from a redraw. */
  #endsWithReturn = false;
  #isRedrawn = false;
  /** The beginning of the line has been emitted. */
  #isCut = false;
  /** The latest redraw, if it was dropped. */
  #dropped: string | undefined;
  #redraws = 0;
  #lastRedrawAt = 0;
  readonly #line: (line: string) => void;
  readonly #mask: TextMask | undefined;
  readonly #now: () => number;

  constructor(
    line: (line: string) => void,
    mask?: TextMask,
    now: () => number = () => systemClock.now(),
  ) {
    this.#line = line;
    this.#mask = mask;
    this.#now = now;
  }

  write(text: string): void {
    let from = this.#endsWithReturn ? this.#afterReturn(text) : 0;
    const hasReturn = text.includes("\r", from);
    for (let at = text.indexOf("\n", from); at >= 0; at = text.indexOf("\n", from)) {
      if (hasReturn)
        this.#addRedraws(text.slice(from, text[at - 1] === "\r" && at > from ? at - 1 : at));
      else this.#add(text.slice(from, at));
      this.#endLine();
      from = at + 1;
    }
    if (from >= text.length) return;
    this.#endsWithReturn = text.endsWith("\r");
    const rest = text.slice(from, this.#endsWithReturn ? -1 : undefined);
    if (hasReturn) this.#addRedraws(rest);
    else this.#add(rest);
  }

  /** Emits the unfinished line, if there is one. */
  end(): void {
    this.#endsWithReturn = false;
    if (this.#length > 0 || this.#dropped !== undefined) this.#endLine();
  }

  /** @returns where the rest of the text begins */
  #afterReturn(text: string): number {
    if (text === "") return 0;
    this.#endsWithReturn = false;
    if (!text.startsWith("\n")) {
      this.#redraw();
      return 0;
    }
    this.#endLine();
    return 1;
  }

  #add(piece: string): void {
    if (piece === "") return;
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length > maxLineChars + (this.#mask?.longest ?? 0)) this.#emitBeginning();
  }

  /** Text within one line: a carriage return lets the rest overwrite it. */
  #addRedraws(text: string): void {
    const states = text.split("\r");
    for (const [index, state] of states.entries()) {
      this.#add(state);
      if (index < states.length - 1) this.#redraw();
    }
  }

  #redraw(): void {
    this.#isRedrawn = true;
    const text = this.#take().replaceAll(eraseLine, "");
    if (text.trim() === "") return;
    const now = this.#now();
    if (this.#redraws >= freeRedraws && now - this.#lastRedrawAt < redrawMs) {
      this.#dropped = text;
      return;
    }
    this.#redraws++;
    this.#lastRedrawAt = now;
    this.#dropped = undefined;
    this.#emit(text);
  }

  #endLine(): void {
    const text = this.#take();
    const dropped = this.#dropped;
    const [isRedrawn, isCut] = [this.#isRedrawn, this.#isCut];
    this.#isRedrawn = false;
    this.#isCut = false;
    this.#dropped = undefined;
    if (isRedrawn) {
      // Many progress bars overwrite themselves with blanks at the end; then the dropped redraw is the last visible state.
      const last = text.replaceAll(eraseLine, "");
      if (last.trim() !== "") this.#emit(last);
      else if (dropped !== undefined) this.#emit(dropped);
    } else if (text !== "" || !isCut) this.#emit(text);
  }

  #take(): string {
    const [only = ""] = this.#pieces;
    const text = this.#pieces.length <= 1 ? only : this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    return text;
  }

  /** Emits a line that is already too long, except for the end, where a secret may begin. */
  #emitBeginning(): void {
    const text = this.#masked(this.#take());
    const end = wholeCharsBefore(text, text.length - (this.#mask?.longest ?? 0));
    const rest = text.slice(Math.max(end, 0));
    if (rest !== "") this.#pieces = [rest];
    this.#length = rest.length;
    if (end <= 0) return;
    this.#isCut = true;
    this.#emit(text.slice(0, end));
  }

  #masked(text: string): string {
    return this.#mask?.text(text) ?? text;
  }

  #emit(whole: string): void {
    if (whole.length <= maxLineChars) return this.#line(whole);
    const line = this.#masked(whole);
    for (let at = 0; at < line.length;) {
      const end = wholeCharsBefore(line, at + maxLineChars);
      this.#line(line.slice(at, end));
      at = end;
    }
  }
}

/** `at`, or `at - 1` if a split at `at` would separate a surrogate pair. */
function wholeCharsBefore(text: string, at: number): number {
  const isTorn = at > 0 && at < text.length && /[\ud800-\udbff]/.test(text.charAt(at - 1));
  return isTorn ? at - 1 : at;
}

/** The lines of one whole text. A break at its end adds no empty line. */
export const linesOf = (text: string): string[] => text.replace(/\r?\n$/, "").split(/\r?\n/);
