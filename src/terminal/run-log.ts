// The log of a run: decides which lines are shown and gives them to a consola reporter.

import { type ConsolaInstance, type ConsolaReporter, createConsola, LogLevels } from "consola/core";
import { Date } from "../base/globals.ts";
import { grouped } from "../base/text.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import { formatEvent, isShown, type Line, type Verbosity } from "./event-formatter.ts";
import { RepeatedLines } from "./repeated-lines.ts";
import { RunHeader } from "./run-header.ts";
import type { StopSignal } from "./ui.ts";
import type { ShownTask } from "./view.ts";

type RunLogOptions = {
  readonly verbosity: Verbosity;
  readonly now: () => number;
  /** Paths below this folder are shown relative to it. */
  readonly cwd: string;
  /** Draws the lines. */
  readonly reporter: ConsolaReporter;
  /** What a task is called on the screen. */
  readonly title: (task: ShownTask) => string;
  /** Further failures are counted and not shown. */
  readonly maxFailures: number;
  /** Shows the nth failure in another way. @returns whether it did */
  readonly onFailure?: (line: Line, nth: number) => boolean;
};

export class RunLog {
  readonly #options: RunLogOptions;
  readonly #consola: ConsolaInstance;
  readonly #repeated = new RepeatedLines();
  readonly #header: RunHeader;
  #failures = 0;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#header = new RunHeader(options.cwd, {
      header: (at, text) => {
        if (options.verbosity >= 0) this.#show({ at, level: "info", task: null, text }, true);
      },
      event: (event) => this.#event(event),
    });
    this.#consola = createConsola({
      // `formatEvent` and `isShown` have applied the verbosity.
      level: LogLevels.verbose,
      // consola would drop repeated lines.
      throttle: 0,
      reporters: [options.reporter],
    });
  }

  events(events: readonly RunEvent[]): void {
    this.#header.events(events);
  }

  /** Shows the run's first line, if it still waits for the number of tasks, and what came after it. */
  flush(): void {
    this.#header.flush();
  }

  /** Nothing is shown afterwards. */
  end(): void {
    this.flush();
    this.#countHidden();
  }

  #event(event: RunEvent): void {
    if (event.type === "run-finished") this.#countHidden();
    const line = formatEvent(event, this.#options.verbosity);
    if (line === undefined) return;
    if (line.about === "failed") this.#failure(line);
    else if (line.about !== "retrying" || this.#passes(line)) this.#show(line);
  }

  /** How many failures and retries were not shown. */
  #countHidden(): void {
    for (const { first, count } of this.#repeated.takeHidden()) {
      const like = first.split("\n", 1)[0];
      this.#own("warn", `… and ${grouped(count)} more like it: ${like}`, false);
    }
  }

  /** With `-v`, every line is shown. */
  #passes(line: Line): boolean {
    return this.#options.verbosity >= 1 || this.#repeated.add(line.kind ?? line.text);
  }

  /** A line of pipeloom's own. */
  log(level: LogLevel, text: string): void {
    if (!isShown(level, this.#options.verbosity)) return;
    this.flush();
    this.#own(level, text, false);
  }

  /** Text that user code has printed in the main thread. */
  printed(text: string): void {
    this.flush();
    this.#consola.log(text);
  }

  /** @param inFlight the tasks that are waited for */
  stopping(signal: StopSignal, urgent: boolean, inFlight: string): void {
    this.flush();
    // Who pressed Ctrl-C knows; where another signal came from is asked later.
    const cause = signal === "SIGINT" ? "" : ` (${signal})`;
    const again = signal === "SIGINT" ? "Ctrl-C" : signal;
    this.#own(
      "warn",
      urgent
        ? `stopping now${cause}, without waiting for running tasks`
        : `stopping${cause}: waiting up to 10 s for ${inFlight}; ${again} again to stop now`,
    );
  }

  #failure(line: Line): void {
    if (!this.#passes(line)) return;
    const { maxFailures, onFailure } = this.#options;
    const nth = ++this.#failures;
    const isHandled = onFailure?.(line, nth) ?? false;
    if (!isHandled && nth <= maxFailures) this.#show(line);
    if (nth === maxFailures) this.#own("error", "further failures are counted but not shown");
  }

  /** @param isOwn false for what may come from elsewhere */
  #own(level: LogLevel, text: string, isOwn = true): void {
    this.#show({ at: this.#options.now(), level, task: null, text }, isOwn);
  }

  /** @param isOwn a sentence of pipeloom's own, which may be broken at words */
  #show({ at, level, task, text, about }: Line, isOwn = false): void {
    this.#consola[typeOf(level, about)]({
      args: [text],
      ...(isOwn ? { isOwn } : {}),
      date: new Date(at),
      ...(task === null ? {} : { tag: this.#options.title(task) }),
      ...(about === undefined ? {} : { about }),
    });
  }
}

function typeOf(level: LogLevel, about: Line["about"]): LogLevel | "fail" | "success" {
  if (about === "failed") return "fail";
  return about === "done" ? "success" : level;
}
