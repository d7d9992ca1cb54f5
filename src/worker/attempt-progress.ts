// The newest progress of one attempt. The record sender asks for it when it sends: of many reports, the last one counts.

import type { Clock } from "../base/clock.ts";
import type { RecordSender, Reporting } from "./record-sender.ts";

/** Read the clock on every 64th progress call only. */
const callsPerClockRead = 64;

type ProgressDeps = { readonly sender: RecordSender; readonly clock: Clock };

export class AttemptProgress {
  readonly #attempt: Reporting;
  readonly #deps: ProgressDeps;
  #progress = 0;
  #message: string | undefined;
  #calls = 0;
  /** The sender has been told, and will ask for the newest progress. */
  #isQueued = false;

  constructor(attempt: Reporting, deps: ProgressDeps) {
    this.#attempt = attempt;
    this.#deps = deps;
  }

  /** The hot path: a task may call it for each row. @param progress 0..1 */
  report(progress: number, message: string | undefined): void {
    this.#progress = progress;
    this.#message = message;
    const isRead = this.#calls++ % callsPerClockRead === 0;
    if (this.#isQueued && !isRead) return;
    const { sender, clock } = this.#deps;
    this.#isQueued = true;
    sender.progressed(this.#attempt);
    if (isRead && this.#calls > 1) sender.flushProgress(clock.now());
  }

  /** For a record of the progress. */
  take(): { progress: number; message?: string } {
    this.#isQueued = false;
    return this.last;
  }

  get last(): { progress: number; message?: string } {
    const progress = this.#progress;
    return this.#message === undefined ? { progress } : { progress, message: this.#message };
  }
}
