// One output stream of a program: written to the log as it arrives, and kept if the task's result is made from it.

import { systemClock } from "../../base/clock.ts";
import { Buffer, Promise, TextDecoder } from "../../base/globals.ts";
import type { KeptOutput } from "../../api/program.ts";

/** Kept output becomes the task's result, which is sent to the writer in one message. */
const maxKeptBytes = 16 * 1024 * 1024;
/** A failure quotes the last line of stderr, unless that line is longer than this. */
const maxTailChars = 8 * 1024;

/** Longest time that output is read without a return to the event loop. */
const sliceMs = 10;

export class ProgramOutput implements KeptOutput {
  /** Bytes read so far. */
  bytes = 0;
  /** Resolves at the end of the stream. Rejects with a RangeError when the output is larger than may be kept. */
  readonly end: Promise<void>;
  readonly #keep: boolean;
  readonly #write: (text: string) => void;
  /** For the log: bytes that are not UTF-8 become U+FFFD. */
  readonly #decoder = new TextDecoder();
  #kept: Uint8Array[] = [];
  #tail = "";
  #isDiscarded = false;

  constructor(stream: ReadableStream<Uint8Array>, keep: boolean, write: (text: string) => void) {
    this.#keep = keep;
    this.#write = write;
    this.end = this.#read(stream);
    this.end.catch(() => undefined);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let sliceBegan = systemClock.now();
    for await (const chunk of stream) {
      if (!this.#isDiscarded) this.#add(chunk);
      if (systemClock.now() - sliceBegan < sliceMs) continue;
      // A program that never stops writing would starve this thread's timers and messages.
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      sliceBegan = systemClock.now();
    }
    if (!this.#isDiscarded) this.#pass(this.#decoder.decode());
  }

  #add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.#keep) {
      if (this.bytes > maxKeptBytes) {
        throw new RangeError(
          "the program's output is larger than 16 MB; let it write a file, and return the file's name",
        );
      }
      this.#kept.push(chunk);
    }
    this.#pass(this.#decoder.decode(chunk, { stream: true }));
  }

  #pass(text: string): void {
    if (text === "") return;
    this.#tail = (this.#tail + text).slice(-maxTailChars);
    this.#write(text);
  }

  /** From now on, output is read and dropped. */
  discard(): void {
    this.#isDiscarded = true;
  }

  /** The last line that is not blank, or "". A line whose start was dropped does not count: half a secret is not masked. */
  get lastLine(): string {
    const lines = this.#tail.split(/[\r\n]+/);
    if (this.#tail.length === maxTailChars) lines.shift();
    return lines.findLast((line) => line.trim() !== "") ?? "";
  }

  text(): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        Buffer.concat(this.#kept),
      );
    } catch (cause) {
      throw new TypeError(
        "the program's output is not UTF-8, so it cannot be the task's result; let it write a file, or convert it (iconv)",
        { cause },
      );
    }
  }
}
