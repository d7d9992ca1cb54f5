// What user code prints in the main thread (when its module is loaded, while `tasks` unfolds), and the runtime's
// warnings, become lines for whoever owns the screen. Output of tasks is another matter: see src/worker.
//
// What is written to the descriptors themselves, by `Bun.write(Bun.stdout)` or by a child process that inherits them,
// passes by: see guard/outputs.ts.

import { Console } from "node:console";
import { Writable } from "node:stream";

import { Buffer, queueMicrotask } from "./globals.ts";

export type Sinks = {
  /** Gets whole lines, without the break. Absent: the stream is left alone. */
  readonly stdout?: (line: string) => void;
  readonly stderr?: (line: string) => void;
};

type Stream = Pick<NodeJS.WriteStream, "write">;
const maxLineChars = 64 * 1024;

/** Takes the streams and `console` over; the function it returns gives them back, and may be called twice. */
export function capture(sinks: Sinks): () => void {
  const stdout = sinks.stdout === undefined ? undefined : byLine(sinks.stdout);
  const stderr = sinks.stderr === undefined ? undefined : byLine(sinks.stderr);
  const undo = [
    ...(stdout === undefined ? [] : [takeStream(process.stdout, stdout), takeConsoleWrite(stdout)]),
    ...(stderr === undefined ? [] : [takeStream(process.stderr, stderr)]),
    takeConsole(stdout, stderr),
  ];
  return () => {
    for (const give of undo.splice(0).toReversed()) give();
    stdout?.rest();
    stderr?.rest();
  };
}

type Lines = { add: (text: string) => void; rest: () => void };

/** Collects pieces until a line is whole. */
function byLine(emit: (line: string) => void): Lines {
  let partial = "";
  return {
    add(text) {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) emit(line.replace(/\r$/, ""));
      if (partial.length > maxLineChars) this.rest();
    },
    rest() {
      const last = partial;
      partial = "";
      if (last !== "") emit(last);
    },
  };
}

const textOf = (chunk: unknown): string => {
  if (typeof chunk === "string") return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk).toString("utf8");
  return String(chunk);
};

function takeStream(stream: Stream, lines: Lines): () => void {
  const own = Object.getOwnPropertyDescriptor(stream, "write");
  const write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    lines.add(textOf(chunk));
    const callback = typeof encoding === "function" ? encoding : done;
    if (typeof callback === "function")
      queueMicrotask(() => void Reflect.apply(callback, undefined, []));
    return true;
  };
  Object.defineProperty(stream, "write", { value: write, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(stream, "write");
    else Object.defineProperty(stream, "write", own);
  };
}

const sinkStream = (lines: Lines): Writable =>
  new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      lines.add(textOf(chunk));
      done();
    },
  });

/** Bun's `console` writes past `process.stdout`, so it is taken as well. */
function takeConsole(stdout: Lines | undefined, stderr: Lines | undefined): () => void {
  const ours = new Console({
    stdout: stdout === undefined ? process.stdout : sinkStream(stdout),
    stderr: stderr === undefined ? process.stderr : sinkStream(stderr),
    colorMode: false,
  });
  const before = new Map<string, unknown>();
  for (const [name, method] of Object.entries(ours)) {
    if (typeof method !== "function") continue;
    before.set(name, Reflect.get(console, name));
    Reflect.set(console, name, method);
  }
  return () => {
    for (const [name, method] of before) Reflect.set(console, name, method);
  };
}

function takeConsoleWrite(lines: Lines): () => void {
  const before: unknown = Reflect.get(console, "write");
  Reflect.set(console, "write", (...parts: unknown[]) => {
    const text = parts.map(textOf).join("");
    lines.add(text);
    return Buffer.byteLength(text);
  });
  return () => void Reflect.set(console, "write", before);
}
