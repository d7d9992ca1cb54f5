// Turns what user code prints into log lines of the task that printed it.

import type { Writable } from "node:stream";

import { systemClock } from "./clock.ts";
import { Buffer, TextDecoder } from "./globals.ts";
import type { Mask } from "../protocol/mask.ts";
import type { LogLevel } from "../protocol/status.ts";

/** A line longer than this is cut into several: one line must not be a megabyte. */
const maxLineChars = 8192;
/** The first redraws of a progress bar become lines at once, later ones at this pace. */
const freeRedraws = 5;
const redrawMs = 1000;
// eslint-disable-next-line no-control-regex
const eraseLine = /\x1b\[[0-2]?K/g;

/**
 * Puts text together from pieces and gives whole lines on. A secret is masked before a cut could tear it.
 * A line that is drawn again after a carriage return (a progress bar) is a line of its own. When there are many, some are
 * left out, but never the last before the line's end.
 */
export class LineBuffer {
  #pieces: string[] = [];
  #length = 0;
  /** A carriage return was the last character: a line break follows, or a redraw. */
  #endsWithReturn = false;
  #isRedrawn = false;
  /** The beginning of the line has been given on. */
  #isCut = false;
  /** The latest redraw, if it was left out. */
  #leftOut: string | undefined;
  #redraws = 0;
  #lastRedrawAt = 0;
  readonly #line: (line: string) => void;
  readonly #mask: Mask | undefined;
  readonly #now: () => number;

  constructor(
    line: (line: string) => void,
    mask: Mask | undefined,
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

  /** The unfinished line, if there is one. */
  end(): void {
    this.#endsWithReturn = false;
    if (this.#length > 0 || this.#leftOut !== undefined) this.#endLine();
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

  /** Text within one line; what precedes a carriage return is drawn over. */
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
      this.#leftOut = text;
      return;
    }
    this.#redraws++;
    this.#lastRedrawAt = now;
    this.#leftOut = undefined;
    this.#emit(text);
  }

  #endLine(): void {
    const text = this.#take();
    const leftOut = this.#leftOut;
    const [isRedrawn, isCut] = [this.#isRedrawn, this.#isCut];
    this.#isRedrawn = false;
    this.#isCut = false;
    this.#leftOut = undefined;
    if (isRedrawn) {
      // Many bars are wiped with blanks when they are full: the line before that is the last one that was seen.
      const last = text.replaceAll(eraseLine, "");
      if (last.trim() !== "") this.#emit(last);
      else if (leftOut !== undefined) this.#emit(leftOut);
    } else if (text !== "" || !isCut) this.#emit(text);
  }

  #take(): string {
    const [only = ""] = this.#pieces;
    const text = this.#pieces.length <= 1 ? only : this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    return text;
  }

  /** Of a line that is too long already, all but what a secret may begin with. */
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

/** The place itself, or the one before when it would tear a character of two code units. */
function wholeCharsBefore(text: string, at: number): number {
  const isTorn = at > 0 && at < text.length && /[\ud800-\udbff]/.test(text.charAt(at - 1));
  return isTorn ? at - 1 : at;
}

// Node's modules are loaded when something is printed: `node:stream` alone takes 10 ms of each thread's start.

export const formatParts = (parts: readonly unknown[]): string =>
  process.getBuiltinModule("node:util").format(...parts);

/** Where printed text goes; the sink finds the task that is running. */
export type PrintSink = {
  /** Whole text of one call, which may be several lines. */
  print(level: LogLevel, text: string): void;
  /** Pieces of a stream: lines may be torn between calls. */
  write(stream: "stdout" | "stderr", text: string): void;
};

/** Replaces `console` and the standard streams of this thread. */
export function capturePrints(sink: PrintSink): void {
  const stdout = lazily(() => streamTo((text) => sink.write("stdout", text)));
  const stderr = lazily(() => streamTo((text) => sink.write("stderr", text)));
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: stdout });
  Object.defineProperty(process, "stderr", { configurable: true, enumerable: true, get: stderr });
  // Tables, groups, counters and timers keep their own formatting; they end up in the streams.
  const rest = lazily(() => {
    const { Console } = process.getBuiltinModule("node:console");
    return new Console({ stdout: stdout(), stderr: stderr() });
  });
  for (const name of formatted) {
    console[name] = (...parts: unknown[]) => void Reflect.apply(rest()[name], rest(), parts);
  }
  // Bun's own: raw pieces to the standard output.
  console.write = (...chunks) => {
    for (const chunk of chunks) {
      stdout().write(typeof chunk === "string" ? chunk : bytesOf(chunk));
    }
    return chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0);
  };
  console.debug = (...parts) => sink.print("debug", formatParts(parts));
  console.log = (...parts) => sink.print("info", formatParts(parts));
  console.info = console.log;
  console.warn = (...parts) => sink.print("warn", formatParts(parts));
  console.error = (...parts) => sink.print("error", formatParts(parts));
}

const formatted = [
  "table",
  "group",
  "groupCollapsed",
  "groupEnd",
  "dir",
  "dirxml",
  "count",
  "countReset",
  "time",
  "timeEnd",
  "timeLog",
  "trace",
  "assert",
] as const;

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

type Chunk = string | ArrayBufferView | ArrayBuffer;

const bytesOf = (chunk: ArrayBufferView | ArrayBuffer): Uint8Array =>
  ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);

const sizeOf = (chunk: Chunk): number =>
  typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;

/** Takes the place of a standard stream: no terminal, and never full. */
function streamTo(write: (text: string) => void): Writable {
  const decoder = new TextDecoder();
  const { Writable } = process.getBuiltinModule("node:stream");
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      write(
        typeof chunk === "string" ? chunk : decoder.decode(chunk as Uint8Array, { stream: true }),
      );
      done();
    },
  });
}
