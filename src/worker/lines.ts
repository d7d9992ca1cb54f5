// Turns what user code prints into log lines of the task that printed it.

import { Console } from "node:console";
import { Writable } from "node:stream";
import { format } from "node:util";

import type { LogLevel } from "../protocol/status.ts";

/** A line longer than this is cut into several: one line must not be a megabyte. */
const maxLineChars = 8192;

/** Puts text together from pieces and gives whole lines on. */
export class LineBuffer {
  #rest = "";
  readonly #line: (line: string) => void;

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.#rest.length > maxLineChars) this.end();
  }

  /** The unfinished line, if there is one. */
  end(): void {
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += maxLineChars) {
      this.#line(line.slice(at, at + maxLineChars));
    }
  }
}

export const formatParts = (parts: readonly unknown[]): string => format(...parts);

/** Where printed text goes; the sink finds the task that is running. */
export type PrintSink = {
  /** Whole text of one call, which may be several lines. */
  print(level: LogLevel, text: string): void;
  /** Pieces of a stream: lines may be torn between calls. */
  write(stream: "stdout" | "stderr", text: string): void;
};

/** Replaces `console` and the standard streams of this thread. */
export function capturePrints(sink: PrintSink): void {
  const stdout = redirect(process.stdout, (text) => sink.write("stdout", text));
  const stderr = redirect(process.stderr, (text) => sink.write("stderr", text));
  // Tables, groups, counters and timers keep their own formatting; they end up in the streams.
  const rest = new Console({ stdout, stderr });
  for (const name of [
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
  ] as const) {
    console[name] = rest[name].bind(rest) as never;
  }
  // Bun's own: raw pieces to the standard output.
  console.write = (...chunks) => {
    for (const chunk of chunks) {
      stdout.write(typeof chunk === "string" ? chunk : bytesOf(chunk));
    }
    return chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0);
  };
  console.debug = (...parts) => sink.print("debug", formatParts(parts));
  console.log = (...parts) => sink.print("info", formatParts(parts));
  console.info = console.log;
  console.warn = (...parts) => sink.print("warn", formatParts(parts));
  console.error = (...parts) => sink.print("error", formatParts(parts));
}

type Chunk = string | ArrayBufferView | ArrayBuffer;

const bytesOf = (chunk: ArrayBufferView | ArrayBuffer): Uint8Array =>
  ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);

const sizeOf = (chunk: Chunk): number =>
  typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;

function redirect(stream: NodeJS.WriteStream, write: (text: string) => void): Writable {
  const decoder = new TextDecoder();
  const take = (chunk: unknown): void =>
    write(
      typeof chunk === "string" ? chunk : decoder.decode(chunk as Uint8Array, { stream: true }),
    );
  const replaced = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    take(chunk);
    const callback = typeof encoding === "function" ? encoding : done;
    if (typeof callback === "function") queueMicrotask(callback as () => void);
    return true;
  };
  stream.write = replaced;
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(chunk);
      done();
    },
  });
}
