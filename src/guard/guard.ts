// The main thread's side of the guard.

import { constants } from "node:os";

import { systemClock, type Timer } from "../base/clock.ts";
import { Promise, TextDecoder } from "../base/globals.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import { spawnGuard } from "../spawn.ts";
import { canCompile } from "./native.ts";
import type { Outputs } from "./outputs.ts";
import { type Pipes, type StreamNumber, streamNumbers } from "./pipes.ts";

export type ToGuard = {
  /** From now on a third of these ends the process, whatever the main thread does. */
  readonly signals: WatchedSignals | undefined;
  /** From now on the guard reads these. */
  readonly pipes: Pipes | undefined;
  /** In Int32: characters of text that main has taken in; wraps around. */
  readonly taken: SharedArrayBuffer;
};

export type WatchedSignals = {
  readonly programs: SharedArrayBuffer;
  /** A descriptor of the terminal whose cursor may be hidden; -1: none. */
  readonly terminal: number;
  readonly numbers: readonly number[];
  /** Those that a crash of the runtime comes with. */
  readonly fatal: readonly number[];
};

export type FromGuard =
  | { readonly type: "text"; readonly stream: StreamNumber; readonly text: string }
  /** Main was busy for so long that this much was not kept. */
  | { readonly type: "dropped"; readonly bytes: number }
  /** All that was in the pipes has been posted. */
  | { readonly type: "end" };

export type GuardOptions = {
  readonly signals: readonly NodeJS.Signals[];
  readonly programs: Programs;
  readonly terminal: number;
  readonly outputs: Outputs | undefined;
  /** Text that was written past pipeloom. */
  onText(stream: StreamNumber, text: string): void;
  onDropped(bytes: number): void;
};

const fatalSignals = ["SIGILL", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV"] as const;

const numberOf = (signal: NodeJS.Signals): number => constants.signals[signal];

/** Short runs are over by then, and their start-up is not made longer. */
const delayMs = 100;
/** For what is in the pipes at the end. */
const patienceMs = 1000;

/** Undefined where it cannot be done, for want of descriptors: the run goes on without. */
function redirected(outputs: Outputs | undefined): Pipes | undefined {
  try {
    return outputs?.redirect();
  } catch {
    outputs?.restore();
    return undefined;
  }
}

export class Guard {
  readonly #options: GuardOptions;
  readonly #pipes: Pipes | undefined;
  readonly #taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #end = Promise.withResolvers<void>();
  #timer: Timer | undefined;
  #isStarted = false;

  /**
   * The run has begun: inherited output goes into pipes, and the guard's C handlers go before those that are installed.
   * @param isUrgent false when nothing keeps the main thread busy: the thread then need not start beside the workers
   */
  constructor(options: GuardOptions, isUrgent: boolean) {
    this.#options = options;
    this.#pipes = redirected(options.outputs);
    if (isUrgent) this.#start();
    else this.#timer = systemClock.after(delayMs, () => this.#start());
  }

  #start(): void {
    const signals = canCompile ? this.#watchedSignals() : undefined;
    if (signals === undefined && this.#pipes === undefined) return;
    this.#isStarted = true;
    const thread = spawnGuard();
    thread.onmessage = ({ data }: MessageEvent<FromGuard>) => this.#receive(data);
    thread.onerror = (event) => {
      event.preventDefault();
      // Nobody reads the pipes any more.
      this.#isStarted = false;
      this.#options.outputs?.restore();
      this.#end.resolve();
    };
    const { buffer: taken } = this.#taken;
    thread.postMessage({ signals, pipes: this.#pipes, taken } satisfies ToGuard);
  }

  #watchedSignals(): WatchedSignals {
    const { signals, programs, terminal } = this.#options;
    return {
      programs: programs.buffer,
      terminal,
      numbers: signals.map(numberOf),
      fatal: fatalSignals.map(numberOf),
    };
  }

  #receive(message: FromGuard): void {
    switch (message.type) {
      case "text":
        Atomics.add(this.#taken, 0, message.text.length);
        Atomics.notify(this.#taken, 0);
        return this.#options.onText(message.stream, message.text);
      case "dropped":
        return this.#options.onDropped(message.bytes);
      case "end":
        return this.#end.resolve();
    }
  }

  /** The descriptors lead to where they did; resolves when what is in the pipes has been given on. */
  async release(): Promise<void> {
    systemClock.cancel(this.#timer);
    const { outputs } = this.#options;
    outputs?.restore();
    if (this.#pipes === undefined) return;
    if (this.#isStarted) {
      await Promise.race([this.#end.promise, Bun.sleep(patienceMs)]);
      return;
    }
    const decoders = new Map(streamNumbers.map((stream) => [stream, new TextDecoder()]));
    outputs?.rest((stream, bytes) => {
      const text = decoders.get(stream)?.decode(bytes, { stream: true });
      if (text !== undefined) this.#options.onText(stream, text);
    });
  }
}
