// A run without a terminal: lines that read well in a file and in a CI log, and few of them.

import { captureLines } from "../base/captured-prints.ts";
import { clock, roughly } from "../base/format-duration.ts";
import type { Env } from "../base/palette.ts";
import type { Write } from "../base/streams.ts";
import { grouped, visible } from "../base/text.ts";
import type { RunEvent } from "../protocol/events.ts";
import { labelOf, titleOf } from "../protocol/label.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { EtaEstimator } from "./eta.ts";
import type { Line, Verbosity } from "./event-formatter.ts";
import { inFlightText } from "./frame.ts";
import { logLines, type Look } from "./log-lines.ts";
import { RunLog } from "./run-log.ts";
import { type Epilogue, summaryLines } from "./summary-text.ts";
import type { FollowedRun, StopSignal, Ui } from "./ui.ts";
import type { Noun, View } from "./view.ts";
import { finishedCount, fold, foldFollowed, newView, shownTitle } from "./view.ts";

const everyMs = 10_000;
const maxFailureLines = 100;
/** GitHub shows ten annotations of a step. */
const maxAnnotations = 10;

type PlainOptions = {
  readonly verbosity: Verbosity;
  readonly noun?: Noun | undefined;
  readonly write: Write;
  readonly look: Look;
  readonly env: Env;
  readonly now: () => number;
  /** See `UiOptions`. */
  readonly learned: (() => number | undefined) | undefined;
  readonly cwd: string;
  /** See `SummaryOptions`. Called at the end, when the secrets are known. */
  readonly again: () => readonly string[] | undefined;
  readonly epilogue: (summary: RunSummary) => Epilogue | undefined;
  /** Masks a line that user code has printed in the main thread. */
  readonly printed: (line: string) => string;
};

export class Plain implements Ui {
  readonly #options: PlainOptions;
  readonly #isGithub: boolean;
  readonly #view: View;
  readonly #progress: ProgressLines;
  readonly #log: RunLog;
  readonly #release: () => void;
  /** GitHub folds the lines of a group; the summary follows it. */
  #isGroupOpen = false;

  constructor(options: PlainOptions) {
    this.#options = options;
    this.#view = newView(options.noun);
    this.#progress = new ProgressLines(this.#view, options.learned);
    this.#isGithub = options.env["GITHUB_ACTIONS"] === "true";
    this.#log = new RunLog({
      verbosity: options.verbosity,
      now: options.now,
      cwd: options.cwd,
      reporter: {
        log: (logged) => {
          const lines = logLines(options.look, logged);
          // What user code prints in the main thread may be meant for GitHub.
          if (logged.type === "log") this.#write(lines);
          else this.#print(lines);
        },
      },
      title: (task) => shownTitle(this.#view, task),
      maxFailures: maxFailureLines,
      onFailure: (line, nth) => this.#annotate(line, nth),
    });
    // To stderr, also what is printed to stdout: stdout is for data.
    this.#release = captureLines((line) => this.#log.printed(options.printed(line)));
  }

  events(events: readonly RunEvent[]): void {
    const { verbosity, now } = this.#options;
    this.#openGroup(events);
    fold(this.#view, events);
    this.#log.events(events);
    const line = verbosity < 0 ? "" : this.#progress.next(now());
    if (line !== "") this.#print([line]);
  }

  /** The command says it. */
  attached(): void {}

  followed(run: FollowedRun): void {
    foldFollowed(this.#view, run);
  }

  log(level: LogLevel, line: string): void {
    this.#log.log(level, line);
  }

  stopping(signal: StopSignal, urgent: boolean): void {
    this.#log.stopping(signal, urgent, inFlightText(this.#view));
  }

  finish(summary: RunSummary): void {
    this.close();
    const { look, verbosity, cwd, again, epilogue } = this.#options;
    const shown = { colors: look.colors, quiet: verbosity < 0, cwd, again: again() };
    this.#print(summaryLines(summary, { ...shown, epilogue: epilogue(summary) }));
  }

  close(): void {
    this.#release();
    this.#log.end();
    if (this.#isGroupOpen) this.#options.write("::endgroup::\n");
    this.#isGroupOpen = false;
  }

  #openGroup(events: readonly RunEvent[]): void {
    if (!this.#isGithub || this.#isGroupOpen) return;
    const started = events.find((event) => event.type === "run-started");
    if (started === undefined) return;
    this.#options.write(`::group::pipeloom: ${escapeData(visible(started.pipeline))}\n`);
    this.#isGroupOpen = true;
  }

  #annotate(line: Line, nth: number): boolean {
    const isAnnotated = this.#isGithub && nth <= maxAnnotations;
    if (isAnnotated) this.#options.write(annotation(line));
    return isAnnotated;
  }

  #print(lines: readonly string[]): void {
    this.#write(this.#isGithub ? lines.map(harmless) : lines);
  }

  #write(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join("");
    if (text !== "") this.#options.write(text);
  }
}

/** A line for each finished tenth, and one after 10 s without one; at most one a second. */
class ProgressLines {
  readonly #view: View;
  readonly #eta = new EtaEstimator();
  readonly #learned: (() => number | undefined) | undefined;
  #tenths = 0;
  #last: number | undefined;

  constructor(view: View, learned: (() => number | undefined) | undefined) {
    this.#view = view;
    this.#learned = learned;
  }

  /** @returns the line that is due, or "" */
  next(now: number): string {
    const view = this.#view;
    if (view.startedAt === undefined || view.finishedAt !== undefined) return "";
    const finished = finishedCount(view);
    const total = view.complete ? view.total : null;
    const work = finished + view.partial;
    const { remainingMs } = this.#eta.next({
      now,
      finished,
      work,
      total,
      learned: this.#learned,
    });
    // A clock that was set back must not silence the run until it has caught up.
    this.#last = Math.min(this.#last ?? now, now);
    const tenths =
      total === null || total === 0 ? this.#tenths : Math.floor((10 * finished) / total);
    const sinceLast = now - this.#last;
    const isTenthDue = tenths > this.#tenths && sinceLast >= 1000;
    if (!isTenthDue && sinceLast < everyMs) return "";
    this.#tenths = Math.max(this.#tenths, tenths);
    this.#last = now;
    return progressLine(view, now - view.startedAt, remainingMs);
  }
}

function progressLine(view: View, elapsedMs: number, remainingMs: number | null): string {
  const finished = finishedCount(view);
  const parts = view.complete
    ? [
        `${String(Math.floor((100 * finished) / Math.max(1, view.total))).padStart(3)}%`,
        `${grouped(finished)}/${grouped(view.total)}`,
      ]
    : [`${grouped(finished)} done`];
  const failed = view.failed > 0 ? `, ${grouped(view.failed)} failed` : "";
  const open = view.complete && finished < view.total;
  const left = open && remainingMs !== null ? `, about ${roughly(remainingMs)} left` : "";
  return `${parts.join(" ")} after ${clock(elapsedMs)}${failed}${left}`;
}

function annotation({ task, text }: Line): string {
  const title = visible(task === null ? "pipeloom" : titleOf(task.name, labelOf(task)));
  const data = escapeData(task === null ? text : `${title} ${text}`);
  return `::error title=${escapeProperty(title)}::${data}\n`;
}

// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** The runner obeys `::command::` at the start of a line, after blanks too, and `##[command]` anywhere. */
const harmless = (line: string): string =>
  line.replace(/^(\s*)::/, "$1: :").replaceAll("##[", "## [");
