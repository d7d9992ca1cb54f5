// What the commands and the engine know of the screen. Implementations: terminal, plain, json, quiet.

import type { RunEvent } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";

/** What ends a run. SIGHUP: the terminal was closed. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Ui {
  /** Committed events, in order. Called often (up to 1,000 batches a second); must be cheap. */
  events(events: readonly RunEvent[]): void;
  /** A line of pipeloom's own, or output of the process that belongs to no task. */
  log(level: LogLevel, line: string): void;
  /** Ctrl-C came: say that the run is ending. Called again for the second one. */
  stopping(signal: StopSignal, urgent: boolean): void;
  /** The end: the last frame, the summary, the terminal as it was. Nothing is called afterwards. */
  finish(summary: RunSummary): void;
  /** Like `finish` when there is no summary to show (the run never began). Safe to call at any time, twice. */
  close(): void;
}
