// The log of one attempt: lines from `ctx.log`, from captured prints and from programs. A line after the end is marked.

import type { Clock } from "../base/clock.ts";
import { LineBuffer } from "../base/line-buffer.ts";
import type { Mask } from "../protocol/mask.ts";
import type { Assignment } from "../protocol/messages.ts";
import type { Outcome } from "../protocol/writer-records.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RecordSender } from "./record-sender.ts";

type LoggedAttempt = {
  readonly assignment: Assignment;
  /** How the attempt ended; undefined before. */
  readonly ended: Outcome["status"] | undefined;
  readonly deps: {
    readonly sender: RecordSender;
    readonly mask: Mask | undefined;
    readonly clock: Clock;
  };
};

/** Begins the line that a call after the end of its task logs. */
export const afterTheEnd = "after the task had ended";

export class AttemptLog {
  readonly #attempt: LoggedAttempt;
  #stdout: LineBuffer | undefined;
  #stderr: LineBuffer | undefined;
  #hasReportedLate = false;

  constructor(attempt: LoggedAttempt) {
    this.#attempt = attempt;
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

  /** Adds the last lines of the streams, which may lack a line break. */
  endStreams(): void {
    this.#stdout?.end();
    this.#stderr?.end();
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

  #add(level: LogLevel, line: string): void {
    const { assignment, deps } = this.#attempt;
    const { id, name, attempt } = assignment;
    deps.sender.add({ type: "log", id, name, attempt, at: deps.clock.wall(), level, line });
  }
}
