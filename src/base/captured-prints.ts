// What user code prints, as text for a sink: `console` and the standard streams are replaced.
//
// Text written to a descriptor itself is not captured (`Bun.write(Bun.stdout)`, a child process that inherits it).
//
// Node's modules are loaded on the first print: `node:stream` adds 10 ms to the start of a thread.

import type { Console } from "node:console";
import type { Writable } from "node:stream";

import { Buffer, queueMicrotask, TextDecoder } from "./globals.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { Write } from "./streams.ts";

type PrintLevel = "debug" | "info" | "warn" | "error";
type StandardStream = "stdout" | "stderr";

export type PrintSink = {
  /** The text of one call, one line or several. */
  print(level: PrintLevel, text: string): void;
  /** A piece of a stream; it may end within a line. */
  write(stream: StandardStream, text: string): void;
};

export const formatParts = (parts: readonly unknown[]): string =>
  process.getBuiltinModule("node:util").format(...parts);

/** Replaces `console` and the standard streams of a Worker, for good. */
export function capturePrints(sink: PrintSink): void {
  const toStdout = decodedTo((text) => sink.write("stdout", text));
  const toStderr = decodedTo((text) => sink.write("stderr", text));
  const stdout = lazily(() => streamTo(toStdout));
  const stderr = lazily(() => streamTo(toStderr));
  replaceStream("stdout", stdout);
  replaceStream("stderr", stderr);
  const formatting = lazily(() => consoleOn(stdout(), stderr()));
  for (const name of formatted) {
    console[name] = (...parts: unknown[]) =>
      void Reflect.apply(formatting()[name], formatting(), parts);
  }
  console.write = writesTo(toStdout);
  console.debug = (...parts) => sink.print("debug", formatParts(parts));
  console.log = (...parts) => sink.print("info", formatParts(parts));
  console.info = console.log;
  console.warn = (...parts) => sink.print("warn", formatParts(parts));
  console.error = (...parts) => sink.print("error", formatParts(parts));
}

/**
 * The assignment makes it a property as others are: to define one in place of the runtime's makes the runtime's stream first,
 * which loads `node:stream`, `node:tty` and `node:readline`.
 */
function replaceStream(name: StandardStream, get: () => Writable): void {
  Reflect.set(process, name, undefined);
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
}

const plain = ["debug", "log", "info", "warn", "error"] as const;

/** Methods with a format or a state of their own. Node's `Console` implements them; their text goes to the streams. */
const formatted = [
  "clear",
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

/** Where the text of each stream goes; a stream without a function is not captured. */
type StreamSinks = Readonly<Partial<Record<StandardStream, Write>>>;

/**
 * Takes the streams and `console` of the main thread. User code may hold `process.stdout`, so the stream's `write` is
 * replaced, not the stream.
 * @returns gives them back; may be called twice
 */
export function captureStreams(sinks: StreamSinks): () => void {
  const toStdout = sinks.stdout === undefined ? undefined : decodedTo(sinks.stdout);
  const toStderr = sinks.stderr === undefined ? undefined : decodedTo(sinks.stderr);
  // Node's `Console` takes 3 ms to make, and few modules print.
  const formatting = lazily(() =>
    consoleOn(
      toStdout === undefined ? process.stdout : streamTo(toStdout),
      toStderr === undefined ? process.stderr : streamTo(toStderr),
    ),
  );
  const undo = [
    ...(toStdout === undefined
      ? []
      : [
          replaced(process.stdout, "write", streamWrite(toStdout)),
          replaced(console, "write", writesTo(toStdout)),
        ]),
    ...(toStderr === undefined ? [] : [replaced(process.stderr, "write", streamWrite(toStderr))]),
    // Bun's `console` does not write to `process.stdout`.
    ...[...plain, ...formatted].map((name) =>
      replaced(console, name, (...parts: unknown[]) =>
        Reflect.apply(formatting()[name], formatting(), parts),
      ),
    ),
  ];
  return () => {
    for (const restore of undo.splice(0).toReversed()) restore();
  };
}

/** `captureStreams` by whole lines. @returns emits the unfinished lines and gives the streams back */
export function captureLines(line: (line: string) => void): () => void {
  const buffers = [new LineBuffer(line), new LineBuffer(line)] as const;
  const [stdout, stderr] = buffers;
  const release = captureStreams({
    stdout: (text) => stdout.write(text),
    stderr: (text) => stderr.write(text),
  });
  return () => {
    release();
    for (const buffer of buffers) buffer.end();
  };
}

// ── parts ──────────────────────────────────────────────────────────────────────────────────────────────

type Take = (chunk: unknown) => void;

/** The bytes of one character may arrive in two chunks. */
function decodedTo(write: Write): Take {
  const decoder = new TextDecoder();
  return (chunk) => {
    const bytes = bytesOf(chunk);
    write(bytes === undefined ? String(chunk) : decoder.decode(bytes, { stream: true }));
  };
}

function bytesOf(chunk: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(chunk))
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : undefined;
}

/** Stands in for a standard stream: not a terminal, and never full. */
function streamTo(take: Take): Writable {
  const { Writable } = process.getBuiltinModule("node:stream");
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(chunk);
      done();
    },
  });
}

function consoleOn(stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): Console {
  const { Console } = process.getBuiltinModule("node:console");
  return new Console({ stdout, stderr, colorMode: false });
}

/** `process.stdout.write` */
const streamWrite =
  (take: Take) =>
  (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    take(chunk);
    const callback = typeof encoding === "function" ? encoding : done;
    if (typeof callback === "function")
      queueMicrotask(() => void Reflect.apply(callback, undefined, []));
    return true;
  };

/** `console.write` of Bun */
const writesTo =
  (take: Take) =>
  (...chunks: unknown[]): number => {
    for (const chunk of chunks) take(chunk);
    return chunks.reduce<number>((sum, chunk) => sum + sizeOf(chunk), 0);
  };

const sizeOf = (chunk: unknown): number =>
  bytesOf(chunk)?.length ?? Buffer.byteLength(String(chunk));

/** @returns puts the property back */
function replaced(object: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  const enumerable = own?.enumerable ?? true;
  Object.defineProperty(object, name, { value, enumerable, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
