// `pipeloom worker` on a terminal: log lines above, and below them what it does, ten times a second.

import { type ConsolaInstance, createConsola, LogLevels } from "consola/core";

import { captureLines } from "../base/captured-prints.ts";
import type { Env } from "../base/palette.ts";
import { type OutStream, writerOf } from "../base/streams.ts";
import type { LogLevel } from "../protocol/status.ts";
import { isForeground } from "./foreground.ts";
import type { Look } from "./log-lines.ts";
import { Screen, type Size } from "./screen.ts";
import { untilLost } from "./sinks.ts";
import type { UiClock } from "./terminal.ts";
import { TerminalReporter } from "./terminal-reporter.ts";
import { holdTerminal } from "./terminal-signals.ts";
import { workerFrame, type WorkerView } from "./worker-frame.ts";

const frameMs = 100;
/** Tasks of so long make the rate. */
const rateMs = 10_000;
const sampleMs = 500;

/** What the worker says of itself; the screen adds the rate, and the times. */
export type WorkerState = Omit<WorkerView, "startedAt" | "lostAt" | "perSecond" | "state"> & {
  readonly isConnected: boolean;
};

type WorkerScreenOptions = {
  readonly stream: OutStream;
  readonly env: Env;
  readonly look: Look;
  readonly clock: UiClock;
  readonly state: () => WorkerState;
};

export class WorkerScreen {
  readonly #options: WorkerScreenOptions;
  readonly #reporter: TerminalReporter;
  readonly #log: ConsolaInstance;
  readonly #undo: (() => void)[];
  readonly #startedAt: number;
  readonly #rate = new Rate();
  #labelWidth = 0;
  #lostAt: number | undefined;
  #phase: WorkerView["state"] = "working";

  constructor(options: WorkerScreenOptions) {
    const { stream, env, look, clock } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#reporter = new TerminalReporter({
      // A closed terminal is no loss.
      screen: new Screen(
        stream,
        untilLost(writerOf(stream), () => {}),
        env,
      ),
      look,
      regions: (size) => this.#regions(size),
      isForeground: stream.fd === undefined ? () => true : isForeground,
    });
    this.#log = createConsola({
      level: LogLevels.verbose,
      // consola would drop repeated lines.
      throttle: 0,
      reporters: [this.#reporter],
    });
    this.#undo = [
      captureLines((line) => this.#log.log(line)),
      clock.every(frameMs, () => this.#reporter.tick()),
      holdTerminal({
        release: () => this.#reporter.release(),
        resume: () => this.#reporter.resume(),
        close: () => this.close(),
      }),
    ];
  }

  say(level: LogLevel, line: string): void {
    this.#log[level]({ args: [line], isOwn: true });
  }

  /** It takes no more tasks. */
  ending(): void {
    this.#phase = "ending";
  }

  /** Leaves the last frame, and gives the terminal back. May be called twice. */
  close(): void {
    this.#phase = "ended";
    for (const undo of this.#undo.splice(0)) undo();
    this.#reporter.close([]);
  }

  #regions(size: Size): readonly string[] {
    const { look, clock } = this.#options;
    const options = { ...size, ...look, now: clock.now(), labelWidth: this.#labelWidth };
    const { lines, labelWidth } = workerFrame(this.#view(), options);
    this.#labelWidth = labelWidth;
    return lines;
  }

  #view(): WorkerView {
    const { isConnected, ...state } = this.#options.state();
    const now = this.#options.clock.now();
    this.#lostAt = isConnected ? undefined : (this.#lostAt ?? now);
    const perSecond = this.#rate.next(now, state.done + state.failed);
    const times = { startedAt: this.#startedAt, lostAt: this.#lostAt };
    return { ...state, ...times, perSecond, state: this.#phase };
  }
}

/** How many a second, over the last 10 s. */
class Rate {
  readonly #samples: { readonly at: number; readonly count: number }[] = [];

  next(at: number, count: number): number {
    const samples = this.#samples;
    const last = samples.at(-1);
    // A clock that was set back begins again.
    if (last !== undefined && at < last.at) samples.length = 0;
    if (last === undefined || at - last.at >= sampleMs) samples.push({ at, count });
    while (samples.length > 2 && at - (samples[1]?.at ?? at) >= rateMs) samples.shift();
    const [first] = samples;
    if (first === undefined || at === first.at) return 0;
    return ((count - first.count) * 1_000) / (at - first.at);
  }
}
