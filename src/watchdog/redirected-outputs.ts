// Descriptors 1 and 2 of the process while a run owns the screen. Child processes of user code inherit them (`Bun.$`,
// `stdio: "inherit"`), and native code writes to them: that text would tear the regions and mix with the events of `--json`.
// So the descriptors are redirected to pipes, whose text becomes lines of the run's output. Which task wrote a line is not
// known. The screen and the events use duplicates of the original descriptors.
//
// Nothing reads the pipes before the run begins: until then stdout is redirected to stderr.
//
// On Windows child processes inherit handles, which this does not change: their text appears where it always did.

import { writeSync } from "node:fs";
import { WriteStream } from "node:tty";

import type { OutStream } from "../base/streams.ts";
import { Descriptors } from "../base/libc.ts";
import { type Pipes, readRest, type StreamNumber } from "./output-pipes.ts";

const stdout = 1;
const stderr = 2;

export class RedirectedOutputs {
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

  /** @returns undefined where descriptors cannot be redirected */
  static take(): RedirectedOutputs | undefined {
    try {
      const descriptors = Descriptors.open();
      return descriptors === undefined ? undefined : new RedirectedOutputs(descriptors);
    } catch {
      // One of the descriptors is closed.
      return undefined;
    }
  }

  #streamOf(fd: number, isTty: boolean): OutStream {
    if (!isTty) return { fd, isTTY: false, write: (text) => writeSync(fd, text) };
    const terminal = new WriteStream(fd);
    // The runtime refreshes the size of process.stdout and process.stderr only.
    const resized = (): void => {
      const refresh: unknown = Reflect.get(terminal, "_refreshSize");
      if (typeof refresh === "function") Reflect.apply(refresh, terminal, []);
    };
    process.on("SIGWINCH", resized);
    this.#undo.push(() => process.off("SIGWINCH", resized));
    return terminal;
  }

  /** Redirects the descriptors to pipes. Somebody must read the pipes from now on: a full pipe blocks its writers. */
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

  /** Restores the descriptors. May be called at any time, and more than once. */
  restore(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#descriptors.lead(stdout, this.#originalOut);
    this.#descriptors.lead(stderr, this.#originalErr);
    if (this.#wakeEnd !== undefined) writeSync(this.#wakeEnd, "\n");
    this.#wakeEnd = undefined;
  }

  /** Reads the rest of the pipes. Only for a run whose watchdog's thread has not started. */
  rest(take: (stream: StreamNumber, bytes: Uint8Array) => void): void {
    if (this.#pipes !== undefined) readRest(this.#descriptors, this.#pipes, take);
  }
}
