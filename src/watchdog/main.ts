// The entry of the watchdog's thread. No user code runs in it, so it works while user code keeps the main thread busy. It
// reads the pipes that stdout and stderr were redirected to, and compiles the handler of the third signal.

import { systemClock } from "../base/clock.ts";
import { TextDecoder } from "../base/globals.ts";
import { Programs } from "../protocol/shared/programs.ts";
import type { FromWatchdog, ToWatchdog, WatchedSignals } from "./watchdog.ts";
import { Descriptors } from "../base/libc.ts";
import { compileSignals, type NativeSignals } from "./compile-signals.ts";
import { type Pipes, readChunk, readRest, type StreamNumber } from "./output-pipes.ts";

declare const self: Worker;

/** Characters that main has not handled. Beyond, the watchdog stops reading, the pipes fill up, and their writers wait. */
const maxUnhandledChars = 1024 * 1024;
/** Output is dropped when main has handled nothing for this long: main may be waiting for the process that writes. */
const stalledMs = 1000;
/** Interval at which the pipes are made blocking again. */
const blockingIntervalMs = 50;
/** Compiling takes 4 ms of CPU time: short runs have ended by then, and do not pay for it. */
const compileDelayMs = 100;
/** Compiling needs descriptors, and tasks may have all of them for a while. */
const compileAgainMs = 1000;
const maxCompileTries = 10;
/** In the runtime's last words. Main may not show them: the process ends. */
const lastWords = /oh no: Bun has crashed|(?:ran out of|low max) file descriptors/;

/** Keeps the compiled code and its memory alive: the handlers are called until the process ends. */
let kept: readonly [NativeSignals, pids: Int32Array] | undefined;

self.onmessage = ({ data }: MessageEvent<ToWatchdog>) => {
  const { signals, pipes, taken } = data;
  const compile = (): boolean => signals === undefined || watch(signals, pipes);
  if (pipes === undefined) systemClock.after(compileDelayMs, compile);
  else new OutputReader(pipes, taken, compile).run();
};

/** @returns false if the handlers could not be compiled */
function watch(
  { programs, terminal, numbers, fatal }: WatchedSignals,
  pipes: Pipes | undefined,
): boolean {
  const native = compiled();
  if (native === undefined) return false;
  kept = [native, Programs.from(programs).pids];
  native.start({ pids: kept[1], terminal, signals: numbers, pipes, fatal });
  return true;
}

/** Undefined when the handlers cannot be compiled: the third signal then waits for the main thread. */
function compiled(): NativeSignals | undefined {
  try {
    return compileSignals();
  } catch {
    return undefined;
  }
}

class OutputReader {
  readonly #descriptors: Descriptors;
  readonly #pipes: Pipes;
  readonly #taken: Int32Array;
  #compile: (() => boolean) | undefined;
  #compileAt = systemClock.now() + compileDelayMs;
  #compileTries = 0;
  readonly #decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  #posted = 0;
  #droppedBytes = 0;

  /** @param compile is called after `compileDelayMs`, and again some times until it returns true */
  constructor(pipes: Pipes, taken: SharedArrayBuffer, compile: () => boolean) {
    const descriptors = Descriptors.open();
    if (descriptors === undefined) throw new Error("Internal error: pipes without a C library");
    this.#descriptors = descriptors;
    this.#pipes = pipes;
    this.#taken = new Int32Array(taken);
    this.#compile = compile;
  }

  /** Blocks this thread until the run ends. It has nothing else to do, and `postMessage` works meanwhile. */
  run(): void {
    const { out, err, outEnd, errEnd, wake } = this.#pipes;
    const streams = new Map<number, StreamNumber>([
      [out, 1],
      [err, 2],
    ]);
    for (;;) {
      const ready = this.#descriptors.readable([wake, ...streams.keys()], blockingIntervalMs);
      if (ready.includes(wake)) break;
      this.#compileWhenDue();
      // Each thread that starts sets O_NONBLOCK on its stdout, and with it for every process that shares the pipe. A child
      // process would then fail with EAGAIN when the pipe is full.
      this.#descriptors.makeBlocking(outEnd);
      this.#descriptors.makeBlocking(errEnd);
      for (const [fd, stream] of streams) {
        if (!ready.includes(fd)) continue;
        const bytes = readChunk(this.#descriptors, fd);
        // End of file: user code has closed the descriptor.
        if (bytes.length === 0) streams.delete(fd);
        else this.#take(stream, bytes);
      }
    }
    readRest(this.#descriptors, this.#pipes, (stream, bytes) => this.#take(stream, bytes));
    this.#reportDropped();
    this.#post({ type: "end" });
  }

  #compileWhenDue(): void {
    if (this.#compile === undefined || systemClock.now() < this.#compileAt) return;
    this.#compileTries++;
    const isOver = this.#compile() || this.#compileTries === maxCompileTries;
    if (isOver) this.#compile = undefined;
    else this.#compileAt = systemClock.now() + compileAgainMs;
  }

  #take(stream: StreamNumber, bytes: Uint8Array): void {
    if (!this.#hasRoom()) {
      this.#droppedBytes += bytes.length;
      return;
    }
    this.#reportDropped();
    const text = this.#decoders[stream].decode(bytes, { stream: true });
    if (stream === 2 && lastWords.test(text)) {
      this.#descriptors.writeAll(this.#pipes.originalErr, text);
    }
    this.#posted += text.length;
    this.#post({ type: "text", stream, text });
  }

  #hasRoom(): boolean {
    for (;;) {
      const taken = Atomics.load(this.#taken, 0);
      if (((this.#posted - taken) | 0) < maxUnhandledChars) return true;
      if (this.#droppedBytes > 0) return false;
      if (Atomics.wait(this.#taken, 0, taken, stalledMs) === "timed-out") return false;
    }
  }

  #reportDropped(): void {
    if (this.#droppedBytes > 0) this.#post({ type: "dropped", bytes: this.#droppedBytes });
    this.#droppedBytes = 0;
  }

  #post(message: FromWatchdog): void {
    self.postMessage(message);
  }
}
