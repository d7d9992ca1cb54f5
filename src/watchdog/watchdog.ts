// The watchdog, as the main thread uses it: a thread that handles signals and reads inherited output while user code keeps the
// main thread busy (main.ts).

import { constants } from "node:os";

import { systemClock, type Timer } from "../base/clock.ts";
import { Promise, TextDecoder } from "../base/globals.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import { spawnWatchdog } from "../spawn.ts";
import { canCompile } from "../base/compile-c.ts";
import type { RedirectedOutputs } from "./redirected-outputs.ts";
import { type Pipes, type StreamNumber, streamNumbers } from "./output-pipes.ts";

export type ToWatchdog = {
  /** The third of these signals ends the process, also while the main thread is busy. */
  readonly signals: WatchedSignals | undefined;
  /** The pipes that the watchdog reads. */
  readonly pipes: Pipes | undefined;
  /** One cell, Int32: characters of text that main has handled. It wraps around. */
  readonly taken: SharedArrayBuffer;
};

export type WatchedSignals = {
  readonly programs: SharedArrayBuffer;
  /** Descriptor of the terminal whose cursor may be hidden; -1 when there is none. */
  readonly terminal: number;
  readonly numbers: readonly number[];
  /** Signals that the runtime gets when it crashes. */
  readonly fatal: readonly number[];
};

export type FromWatchdog =
  | { readonly type: "text"; readonly stream: StreamNumber; readonly text: string }
  /** Main was busy for too long: this much output was dropped. */
  | { readonly type: "dropped"; readonly bytes: number }
  /** Everything in the pipes has been sent as `text`. */
  | { readonly type: "end" };

export type WatchdogOptions = {
  readonly signals: readonly NodeJS.Signals[];
  readonly programs: Programs;
  readonly terminal: number;
  readonly outputs: RedirectedOutputs | undefined;
  /** Text that child processes or native code wrote to stdout or stderr. */
  onText(stream: StreamNumber, text: string): void;
  onDropped(bytes: number): void;
};

const fatalSignals = ["SIGILL", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV"] as const;

const numberOf = (signal: NodeJS.Signals): number => constants.signals[signal];

/** The watchdog's thread starts after this: short runs have ended by then, and do not pay for it. */
const startDelayMs = 100;
/** How long `release` waits for the rest of the pipes. */
const drainMs = 1000;

/** Undefined when no descriptors are left: the run goes on without the pipes. */
function redirected(outputs: RedirectedOutputs | undefined): Pipes | undefined {
  try {
    return outputs?.redirect();
  } catch {
    outputs?.restore();
    return undefined;
  }
}

/** Undefined when no further thread can be started: the run goes on without the watchdog. */
function spawned(): Worker | undefined {
  try {
    return spawnWatchdog();
  } catch {
    return undefined;
  }
}

type State =
  | { readonly type: "scheduled"; readonly timer: Timer }
  /** The thread reads the pipes, if there are any. */
  | { readonly type: "running" }
  /** There is no thread: nothing to do for it, or it has failed. */
  | { readonly type: "off" };

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #pipes: Pipes | undefined;
  readonly #taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #end = Promise.withResolvers<void>();
  #state: State;

  /**
   * Redirects inherited output into pipes, and puts the watchdog's C signal handlers before the installed ones.
   * @param isUrgent false when no user code runs on the main thread: the watchdog's thread then starts a little later
   */
  constructor(options: WatchdogOptions, isUrgent: boolean) {
    this.#options = options;
    this.#pipes = redirected(options.outputs);
    this.#state = isUrgent ? this.#start() : this.#scheduled();
  }

  #scheduled(): State {
    const timer = systemClock.after(startDelayMs, () => {
      this.#state = this.#start();
    });
    return { type: "scheduled", timer };
  }

  #start(): State {
    const signals = canCompile ? this.#watchedSignals() : undefined;
    if (signals === undefined && this.#pipes === undefined) return { type: "off" };
    const thread = spawned();
    if (thread === undefined) {
      this.#options.outputs?.restore();
      return { type: "off" };
    }
    thread.onmessage = ({ data }: MessageEvent<FromWatchdog>) => this.#receive(data);
    thread.onerror = (event) => {
      event.preventDefault();
      // The thread is gone: nobody reads the pipes any more.
      this.#state = { type: "off" };
      this.#options.outputs?.restore();
      this.#end.resolve();
    };
    const { buffer: taken } = this.#taken;
    thread.postMessage({ signals, pipes: this.#pipes, taken } satisfies ToWatchdog);
    return { type: "running" };
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

  #receive(message: FromWatchdog): void {
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

  /** Restores the descriptors. Resolves when the rest of the pipes has been passed to `onText`, after 1 s at most. */
  async release(): Promise<void> {
    if (this.#state.type === "scheduled") systemClock.cancel(this.#state.timer);
    const { outputs } = this.#options;
    outputs?.restore();
    if (this.#pipes === undefined) return;
    if (this.#state.type === "running") {
      await Promise.race([this.#end.promise, Bun.sleep(drainMs)]);
      return;
    }
    const decoders = new Map(streamNumbers.map((stream) => [stream, new TextDecoder()]));
    outputs?.rest((stream, bytes) => {
      const text = decoders.get(stream)?.decode(bytes, { stream: true });
      if (text !== undefined) this.#options.onText(stream, text);
    });
  }
}
