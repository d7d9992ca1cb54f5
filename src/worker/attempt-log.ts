// The log of one attempt: lines from `ctx.log`, from captured prints and from programs. A line after the end is marked.

import { registry } from "../api/registry.ts";
import type { Clock } from "../base/clock.ts";
import { grouped, plural } from "../base/text.ts";
import { LineBuffer } from "../base/line-buffer.ts";
import { labelOf } from "../protocol/label.ts";
import type { Mask } from "../protocol/mask.ts";
import type { Assignment } from "../protocol/messages.ts";
import type { Outcome } from "../protocol/writer-records.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RecordSender } from "./record-sender.ts";

type LoggedAttempt = {
  readonly assignment: Assignment;
  /** The author's. */
  readonly label: string | undefined;
  /** As it is stored. */
  readonly input: string | undefined;
  /** How the attempt ended; undefined before. */
  readonly ended: Outcome["status"] | undefined;
  readonly deps: {
    readonly sender: RecordSender;
    readonly mask: Mask | undefined;
    readonly clock: Clock;
    /** See RunInfo. */
    readonly maxLogLines: number | null;
  };
};

/** Begins the line that a call after the end of its task logs. */
export const afterTheEnd = "after the task had ended";

export class AttemptLog {
  readonly #attempt: LoggedAttempt;
  #stdout: LineBuffer | undefined;
  #stderr: LineBuffer | undefined;
  #hasReportedLate = false;
  /** How many lines may still be stored. */
  #storable: number;
  /** Lines that were not stored. */
  #cut = 0;

  constructor(attempt: LoggedAttempt) {
    this.#attempt = attempt;
    this.#storable = storableLines(attempt);
  }

  /** The text of one call; each of its lines is a log line. */
  print(level: LogLevel, text: string): void {
    const lines = this.#lineBuffer(level);
    lines.write(text);
    lines.end();
    if (text === "") this.#line(level, "");
  }

  /** A piece of a stream's text; a line may span several pieces. */
  write(stream: "stdout" | "stderr", text: string): void {
    if (stream === "stdout") (this.#stdout ??= this.#lineBuffer("info")).write(text);
    else (this.#stderr ??= this.#lineBuffer("warn")).write(text);
  }

  /** The attempt ends: adds the last lines of the streams, which may lack a line break, and says how many lines are missing. */
  end(): void {
    this.#stdout?.end();
    this.#stderr?.end();
    if (this.#cut === 0) return;
    this.#send(
      "warn",
      `… ${plural(this.#cut, "more line")} not stored (logs.maxLines); a log file (-l) gets all`,
    );
  }

  /** Reports a call after the end, once: a loop would fill the log. */
  reportLate(call: string): void {
    if (this.#hasReportedLate) return;
    this.#hasReportedLate = true;
    const { assignment, ended } = this.#attempt;
    // A failed attempt loses nothing: what it sends would not have been stored anyway.
    const level = ended === "done" ? "error" : "warn";
    this.#add(
      level,
      `${afterTheEnd} (attempt ${assignment.attempt}: ${ended}), it called ${call}: this call and later ones do nothing and store no rows; await what the task starts`,
    );
  }

  #lineBuffer(level: LogLevel): LineBuffer {
    return new LineBuffer((line) => this.#line(level, line), this.#attempt.deps.mask);
  }

  #line(level: LogLevel, line: string): void {
    this.#add(level, this.#attempt.ended === undefined ? line : `${afterTheEnd}: ${line}`);
  }

  /** Beyond the bound, lines are announced and not stored: a loop that logs would fill the disk. */
  #add(level: LogLevel, line: string): void {
    if (this.#storable-- > 0) return this.#send(level, line);
    // Said here too: an attempt that is lost with its thread does not come to its end.
    if (this.#cut++ === 0) {
      const most = grouped(storableLines(this.#attempt));
      this.#send(
        "warn",
        `… cut here: ${most} lines of an attempt are stored (logs.maxLines); a log file (-l) gets all`,
      );
    }
    this.#send(level, line, true);
  }

  #send(level: LogLevel, line: string, isCut?: true): void {
    const { assignment, ended, deps } = this.#attempt;
    const { id, name, attempt } = assignment;
    // Main has forgotten the input of a task that has ended.
    const label = ended === undefined ? this.#attempt.label : labelOf(this.#attempt);
    const what = { id, name, attempt, at: deps.clock.wall(), level, line, label };
    const record = { type: "log", ...what } as const;
    deps.sender.add(isCut === undefined ? record : { ...record, isCut });
  }
}

function storableLines({ assignment, deps }: LoggedAttempt): number {
  if (deps.maxLogLines === null) return Number.POSITIVE_INFINITY;
  return registry.tasks.get(assignment.task)?.maxLogLines ?? deps.maxLogLines;
}
