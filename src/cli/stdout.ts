// Data on stdout, at the pace of whoever reads it. `process.stdout.write` would queue without bound.

import { writeAll } from "../base/streams.ts";
import { codeOf, reasonOf } from "../base/system-error.ts";
import { UserError } from "./user-error.ts";

/** Thrown when the reader has left (`| head -1`): nothing is wrong, and there is nothing more to do. */
export class ReaderLeft extends Error {
  override readonly name = "ReaderLeft";
}

/** @throws ReaderLeft, or UserError when it cannot be written */
export function print(text: string): void {
  try {
    writeAll(process.stdout.fd, text);
  } catch (thrown) {
    if (codeOf(thrown) === "EPIPE") throw new ReaderLeft();
    throw new UserError(`cannot write to stdout: ${reasonOf(thrown)}`);
  }
}

const chunkChars = 64 * 1024;

/** Collects small pieces: a system call a row would cost more than the row. */
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
