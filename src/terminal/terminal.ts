// A run on a terminal: events change the view at once, and a timer draws it ten times a second.

import { captureLines } from "../base/captured-prints.ts";
import type { Env } from "../base/palette.ts";
import type { OutStream, Write } from "../base/streams.ts";
import { systemClock } from "../base/clock.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { LogLevel, RunStatus } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { EtaEstimator } from "./eta.ts";
import type { Verbosity } from "./event-formatter.ts";
import { isForeground } from "./foreground.ts";
import { frame, inFlightText } from "./frame.ts";
import type { Look } from "./log-lines.ts";
import { RunLog } from "./run-log.ts";
import { Screen, type Size } from "./screen.ts";
import { type Epilogue, summaryLines } from "./summary-text.ts";
import { TerminalReporter } from "./terminal-reporter.ts";
import { closeOnExit, giveBackOnSignals } from "./terminal-signals.ts";
import type { FollowedRun, StopSignal, Ui } from "./ui.ts";
import {
  finishedCount,
  fold,
  foldFollowed,
  newView,
  type Noun,
  shownTitle,
  type View,
} from "./view.ts";

export type UiClock = {
  readonly now: () => number;
  /** Calls every `ms` until the returned function is called. Does not keep the process alive. */
  readonly every: (ms: number, call: () => void) => () => void;
};

export const wallClock: UiClock = {
  now: systemClock.wall,
  every(ms, call) {
    const timer = systemClock.every(ms, call);
    timer.unref();
    return () => systemClock.cancel(timer);
  },
};

const frameMs = 100;
const maxFailureLines = 1_000;

type TerminalOptions = {
  readonly verbosity: Verbosity;
  readonly noun?: Noun | undefined;
  readonly stream: OutStream;
  readonly write: Write;
  readonly look: Look;
  readonly env: Env;
  readonly cwd: string;
  /** See `SummaryOptions`. Called at the end, when the secrets are known. */
  readonly again: () => readonly string[] | undefined;
  readonly epilogue: (summary: RunSummary) => Epilogue | undefined;
  readonly clock: UiClock;
  /** See `UiOptions`. */
  readonly learned: (() => number | undefined) | undefined;
  /** Masks a line that user code has printed in the main thread. */
  readonly printed: (line: string) => string;
};

export class Terminal implements Ui {
  readonly #options: TerminalOptions;
  readonly #view: View;
  readonly #eta = new EtaEstimator();
  readonly #reporter: TerminalReporter;
  readonly #log: RunLog;
  /** Called in this order at the end. */
  readonly #undo: (() => void)[];
  #givesBackOnSignals = false;
  #labelWidth = 0;

  constructor(options: TerminalOptions) {
    const { stream, look, clock } = options;
    this.#options = options;
    this.#view = newView(options.noun);
    this.#reporter = new TerminalReporter({
      screen: new Screen(stream, options.write, options.env),
      look,
      regions: (size) => this.#regions(size),
      isForeground: stream.fd === undefined ? () => true : isForeground,
    });
    this.#log = new RunLog({
      verbosity: options.verbosity,
      now: clock.now,
      cwd: options.cwd,
      reporter: this.#reporter,
      title: (task) => shownTitle(this.#view, task),
      maxFailures: maxFailureLines,
    });
    this.#undo = [
      captureLines((line) => this.#log.printed(options.printed(line))),
      clock.every(frameMs, () => this.#reporter.tick()),
      closeOnExit(() => this.close()),
    ];
  }

  events(events: readonly RunEvent[]): void {
    fold(this.#view, events);
    // The first frame will hide the cursor.
    if (this.#view.startedAt !== undefined) this.#giveBackOnSignals();
    this.#log.events(events);
  }

  /** The command says it. */
  attached(): void {}

  followed(run: FollowedRun): void {
    foldFollowed(this.#view, run);
    this.#giveBackOnSignals();
  }

  log(level: LogLevel, line: string): void {
    this.#log.log(level, line);
  }

  stopping(signal: StopSignal, urgent: boolean): void {
    this.#view.stopping = urgent ? "now" : "soon";
    this.#log.stopping(signal, urgent, inFlightText(this.#view));
  }

  finish(summary: RunSummary): void {
    const { look, cwd, again, epilogue, stream } = this.#options;
    this.#view.status = summary.status;
    this.#view.finishedAt = summary.finishedAt;
    const shown = {
      colors: look.colors,
      cwd,
      again: again(),
      epilogue: epilogue(summary),
      columns: stream.columns || 80,
    };
    this.#end(summaryLines(summary, shown));
  }

  close(status: RunStatus = "cancelled"): void {
    const view = this.#view;
    if (view.finishedAt === undefined) view.status = status;
    view.finishedAt ??= this.#options.clock.now();
    this.#end([]);
  }

  #regions(size: Size): readonly string[] {
    const view = this.#view;
    const { learned } = this.#options;
    const now = this.#options.clock.now();
    const finished = finishedCount(view);
    const total = view.complete ? view.total : null;
    const { lines, labelWidth } = frame(view, {
      ...size,
      ...this.#options.look,
      now,
      labelWidth: this.#labelWidth,
      eta: this.#eta.next({ now, finished, work: finished + view.partial, total, learned }),
    });
    this.#labelWidth = labelWidth;
    return lines;
  }

  #giveBackOnSignals(): void {
    if (this.#givesBackOnSignals) return;
    this.#givesBackOnSignals = true;
    this.#undo.push(
      giveBackOnSignals({
        release: () => this.#reporter.release(),
        resume: () => this.#reporter.resume(),
        close: () => this.close(),
      }),
    );
  }

  /** The last frame has no tasks. */
  #end(below: readonly string[]): void {
    // The end of the capture emits unfinished lines, so it comes first.
    for (const undo of this.#undo.splice(0)) undo();
    this.#log.end();
    this.#view.running.clear();
    this.#view.waiting.clear();
    this.#reporter.close(below);
  }
}
