// What user code prints in the writer's thread: its module while it loads, a message's `apply`. On the real streams it
// would tear the screen, and stand between the events on stdout.

import { TextDecoder } from "../../base/globals.ts";
import type { LogLevel } from "../../protocol/status.ts";

type Print = (level: LogLevel, line: string) => void;

/** Replaces `console` and the standard streams of this thread. Lines torn between two calls stay torn. */
export function capturePrints(print: Print): void {
  const lines = (level: LogLevel, text: string): void => {
    for (const line of text.replace(/\r?\n$/, "").split(/\r?\n/)) print(level, line);
  };
  const at =
    (level: LogLevel) =>
    (...parts: unknown[]): void =>
      lines(level, process.getBuiltinModule("node:util").format(...parts));
  console.debug = at("debug");
  console.log = at("info");
  console.info = at("info");
  console.warn = at("warn");
  console.error = at("error");
  console.trace = at("debug");
  console.table = at("info");
  console.dir = (value: unknown) => at("info")(value);
  process.stdout.write = (chunk) => taken(lines, "info", chunk);
  process.stderr.write = (chunk) => taken(lines, "warn", chunk);
  console.write = (...chunks) => {
    for (const chunk of chunks)
      taken(lines, "info", typeof chunk === "string" ? chunk : bytes(chunk));
    return chunks.length;
  };
}

const bytes = (chunk: ArrayBufferView | ArrayBuffer): Uint8Array =>
  ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);

function taken(lines: Print, level: LogLevel, chunk: string | Uint8Array): true {
  lines(level, typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk));
  return true;
}
