// Turns what user code prints into log lines of the task that printed it.

import type { Writable } from "node:stream";

import type { Mask } from "../protocol/mask.ts";
import type { LogLevel } from "../protocol/status.ts";

/** A line longer than this is cut into several: one line must not be a megabyte. */
const maxLineChars = 8192;

/** Puts text together from pieces and gives whole lines on. A secret is masked before a cut could tear it. */
export class LineBuffer {
  #rest = "";
  readonly #line: (line: string) => void;
  readonly #mask: Mask | undefined;

  constructor(line: (line: string) => void, mask: Mask | undefined) {
    this.#line = line;
    this.#mask = mask;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.#rest.length > maxLineChars) this.#emitBeginning();
  }

  /** Of a line that is too long already, all but what a secret may begin with. */
  #emitBeginning(): void {
    const text = this.#masked(this.#rest);
    const end = text.length - (this.#mask?.longest ?? 0);
    if (end <= 0) return;
    this.#rest = text.slice(end);
    this.#emit(text.slice(0, end));
  }

  #masked(text: string): string {
    return this.#mask?.text(text) ?? text;
  }

  /** The unfinished line, if there is one. */
  end(): void {
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(whole: string): void {
    const line = whole.length > maxLineChars ? this.#masked(whole) : whole;
    for (let at = 0; at === 0 || at < line.length; at += maxLineChars) {
      this.#line(line.slice(at, at + maxLineChars));
    }
  }
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
