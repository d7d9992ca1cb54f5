// Data on stdout, written synchronously. `process.stdout.write` would queue without bound for a slow reader.

import { writeAll } from "../base/streams.ts";
import { codeOf, reasonOf } from "../base/system-error.ts";
import { UserError } from "./user-error.ts";

/** The reader has closed the pipe (`| head -1`): not an error, but the command ends. */
export class ReaderLeft extends Error {
  override readonly name = "ReaderLeft";
}

/** @throws ReaderLeft, UserError */
export function print(text: string): void {
  try {
    writeAll(1, text);
  } catch (thrown) {
    if (codeOf(thrown) === "EPIPE") throw new ReaderLeft();
    throw new UserError(`cannot write to stdout: ${reasonOf(thrown)}`);
  }
}

const chunkChars = 64 * 1024;

/** Buffers small pieces: a system call per row would cost more than the row. */
export class Printer {
  #pending = "";

  /** @throws ReaderLeft, UserError */
  print(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= chunkChars) this.flush();
  }

  /** @throws ReaderLeft, UserError */
  flush(): void {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") print(text);
  }
}
