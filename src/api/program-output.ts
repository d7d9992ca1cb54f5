// One output stream of a program: passed on as it comes, and kept when it is the task's result.

import { systemClock } from "../base/clock.ts";
import { Buffer, Promise, TextDecoder } from "../base/globals.ts";

/** What is kept travels as the task's result. */
const maxKeptBytes = 16 * 1024 * 1024;
/** A failure names the last line of stderr, unless it is longer than this. */
const maxTailChars = 8 * 1024;

/** How long output may keep the thread from its event loop. */
const sliceMs = 10;

export class ProgramOutput {
  /** So many have come. */
  bytes = 0;
  /** Resolves at the end of the stream. @throws RangeError when more came than may be kept */
  readonly end: Promise<void>;
  readonly #keep: boolean;
  readonly #write: (text: string) => void;
  /** For the log: what is not text is shown as such. */
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
    let turnBegan = systemClock.now();
    for await (const chunk of stream) {
      if (!this.#isDiscarded) this.#take(chunk);
      if (systemClock.now() - turnBegan < sliceMs) continue;
      // A program that always has more would keep timers and messages of this thread from their turn.
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      turnBegan = systemClock.now();
    }
    if (!this.#isDiscarded) this.#pass(this.#decoder.decode());
  }

  #take(chunk: Uint8Array): void {
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

  /** From now on it is read and forgotten. */
  discard(): void {
    this.#isDiscarded = true;
  }

  /** Empty if there is none. A line whose beginning is gone is none: part of a secret could not be masked. */
  get lastLine(): string {
    const lines = this.#tail.split(/[\r\n]+/);
    if (this.#tail.length === maxTailChars) lines.shift();
    return lines.findLast((line) => line.trim() !== "") ?? "";
  }

  /**
   * All of it, unaltered.
   * @throws TypeError when it is not UTF-8
   */
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
