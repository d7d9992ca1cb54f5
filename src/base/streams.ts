// Output streams, and writes to them that are complete when they return: a process that ends must not lose its last
// lines. `process.stdout.write` on a pipe queues without bound, and `process.exit` drops the queue.

import { fstatSync, writeSync } from "node:fs";

import { Buffer } from "./globals.ts";
import { codeOf } from "./system-error.ts";

/** What pipeloom uses of `process.stderr`; tests pass a stand-in. */
export type OutStream = {
  write(text: string): unknown;
  readonly fd?: number;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
};

export type Write = (text: string) => void;

type Shown =
  | { readonly isTTY: true; readonly columns: number }
  | { readonly isTTY: false; readonly columns: undefined };

/**
 * `process.stdout` loads `node:stream`, `node:tty` and `node:readline`, a fifth of the CPU time of a short command. So it is asked
 * only where its descriptor may be a terminal.
 */
export function shownOn(name: "stdout" | "stderr"): Shown {
  if (!mayBeTerminal(name === "stdout" ? 1 : 2)) return { isTTY: false, columns: undefined };
  const { isTTY, columns } = process[name];
  return isTTY ? { isTTY, columns } : { isTTY: false, columns: undefined };
}

function mayBeTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    // The descriptor is closed.
    return false;
  }
}

/** Writes to the descriptor if there is one: user code may have replaced `stream.write`. */
export function writerOf(stream: OutStream): Write {
  const { fd } = stream;
  if (typeof fd === "number") return (text) => writeAll(fd, text);
  return (text) => void stream.write(text);
}

/** Reused for every write: ten new buffers a second cost more than the text that goes into them. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
const bytesPerChar = 3;

/** Blocks until everything is written. @throws the system's error, with its `code` (`EPIPE`, `EIO`, …) */
export function writeAll(fd: number, text: string): void {
  const fits = text.length * bytesPerChar <= buffer.length;
  const bytes = fits ? buffer : Buffer.from(text);
  const length = fits ? buffer.write(text) : bytes.length;
  let from = 0;
  while (from < length) {
    try {
      from += writeSync(fd, bytes, from, length - from);
    } catch (error) {
      if (!isBusy(error)) throw error;
      Bun.sleepSync(busyWaitMs);
    }
  }
}

export const busyWaitMs = 2;

/** Another process may have made the terminal or pipe non-blocking. */
export const isBusy = (error: unknown): boolean => codeOf(error) === "EAGAIN";
