// Streams as the screen needs them: written at once and in order, because a process that ends (or is
// stopped) must not leave half a frame or lose its last lines. `process.stdout.write` on a pipe is neither:
// Bun queues it without bound, and `process.exit` drops what is queued.

import { writeSync } from "node:fs";

/** What is taken from the caller: `process.stderr`, or a stand-in in tests. */
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

/** Writes to the descriptor if there is one, so that it also passes by a patched `stream.write`. */
export function writerOf(stream: OutStream): Write {
  const { fd } = stream;
  if (typeof fd === "number") return (text) => writeAll(fd, text);
  return (text) => void stream.write(text);
}

/** For frames, again and again: ten new ones a second cost more than what is written into them. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
const bytesPerChar = 3;

/** Blocks until all is written. @throws the system's error, with its `code` (`EPIPE`, `EIO`, …) */
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
      Bun.sleepSync(2);
    }
  }
}

/** Another process may have made the terminal or pipe non-blocking. */
const isBusy = (error: unknown): boolean => codeOf(error) === "EAGAIN";

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A writer that falls silent when nobody reads any more (EPIPE) or the terminal is gone (EIO). */
export function untilClosed(write: Write, onClosed: () => void = () => {}): Write {
  let closed = false;
  return (text) => {
    if (closed) return;
    try {
      write(text);
    } catch {
      closed = true;
      onClosed();
    }
  };
}
