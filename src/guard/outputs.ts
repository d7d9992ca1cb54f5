// Descriptors 1 and 2 of the process while a run owns the screen. What a child process of user code inherits (`Bun.$`,
// `stdio: "inherit"`), or native code writes, would tear the regions and stand between the events of `--json`. So they
// lead to pipes whose text becomes lines of the run's output; which task wrote it cannot be known. The screen and the
// events go to duplicates of what the descriptors were.
//
// Until the run has begun nothing reads the pipes: stdout then leads to stderr.
//
// On Windows children inherit handles, which this does not change: what they write is seen where it was before.

import { writeSync } from "node:fs";
import { WriteStream } from "node:tty";

import type { OutStream } from "../base/streams.ts";
import { Descriptors } from "../base/libc.ts";
import { type Pipes, readRest, type StreamNumber } from "./pipes.ts";

const stdout = 1;
const stderr = 2;

export class Outputs {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly #descriptors: Descriptors;
  readonly #originalOut: number;
  readonly #originalErr: number;
  readonly #undo: (() => void)[] = [];
  #wakeEnd: number | undefined;
  #pipes: Pipes | undefined;

  private constructor(descriptors: Descriptors) {
    this.#descriptors = descriptors;
    this.#originalOut = descriptors.duplicate(stdout);
    this.#originalErr = descriptors.duplicate(stderr);
    this.stdout = this.#streamOf(this.#originalOut, process.stdout.isTTY);
    this.stderr = this.#streamOf(this.#originalErr, process.stderr.isTTY);
    descriptors.lead(stdout, this.#originalErr);
    const restore = (): void => this.restore();
    process.on("exit", restore);
    this.#undo.push(() => process.off("exit", restore));
  }

  /** Undefined where descriptors cannot be led elsewhere. */
  static take(): Outputs | undefined {
    try {
      const descriptors = Descriptors.open();
      return descriptors === undefined ? undefined : new Outputs(descriptors);
    } catch {
      // One of them is closed.
      return undefined;
    }
  }

  #streamOf(fd: number, isTty: boolean): OutStream {
    if (!isTty) return { fd, isTTY: false, write: (text) => writeSync(fd, text) };
    const terminal = new WriteStream(fd);
    // The runtime does this for its own two streams alone.
    const resized = (): void => {
      const refresh: unknown = Reflect.get(terminal, "_refreshSize");
      if (typeof refresh === "function") Reflect.apply(refresh, terminal, []);
    };
    process.on("SIGWINCH", resized);
    this.#undo.push(() => process.off("SIGWINCH", resized));
    return terminal;
  }

  /** The run has begun. Somebody must read the pipes from now on, or who writes will wait. */
  redirect(): Pipes {
    const out = this.#descriptors.pipe();
    const err = this.#descriptors.pipe();
    const wake = this.#descriptors.pipe();
    this.#descriptors.lead(stdout, out.write);
    this.#descriptors.lead(stderr, err.write);
    this.#wakeEnd = wake.write;
    this.#pipes = {
      out: out.read,
      err: err.read,
      outEnd: out.write,
      errEnd: err.write,
      wake: wake.read,
      originalOut: this.#originalOut,
      originalErr: this.#originalErr,
    };
    return this.#pipes;
  }

  /** The descriptors lead to where they did. May be called at any time, twice. */
  restore(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#descriptors.lead(stdout, this.#originalOut);
    this.#descriptors.lead(stderr, this.#originalErr);
    if (this.#wakeEnd !== undefined) writeSync(this.#wakeEnd, "\n");
    this.#wakeEnd = undefined;
  }

  /** Where no other thread reads: what is in the pipes. */
  rest(take: (stream: StreamNumber, bytes: Uint8Array) => void): void {
    if (this.#pipes !== undefined) readRest(this.#descriptors, this.#pipes, take);
  }
}
