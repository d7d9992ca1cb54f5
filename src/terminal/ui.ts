// How a run is shown, as the commands see it. Implementations: Terminal, Plain, LogFile and the events of `--json`.

import type { RunAttached, RunEvent } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { LogLevel, RunStatus } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";

/** A signal that ends a run. SIGHUP: the terminal was closed. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

type EndedCounts = {
  readonly done: number;
  readonly error: number;
  readonly cancelled: number;
  readonly skipped: number;
};

/** What the file of another process's run says, beside the events. */
export type FollowedRun = {
  /** Epoch ms. */
  readonly startedAt: number;
  /** Of the whole run: not every task that ended was an event. */
  readonly counts: EndedCounts;
  /** Tasks that no longer run and have not ended: they wait for their next attempt. */
  readonly left: readonly TaskId[];
};

export interface Ui {
  /** Committed events, in order. Must be cheap: up to 1,000 calls a second. */
  events(events: readonly RunEvent[]): void;
  /** Before all events of the run of another process. */
  attached(run: RunAttached): void;
  /** After the events of each look at the run of another process, which has no `run-started`. */
  followed(run: FollowedRun): void;
  /** A line of pipeloom's own, or output that belongs to no task. */
  log(level: LogLevel, line: string): void;
  /** Says that the run is ending. Called for the first and the second Ctrl-C. */
  stopping(signal: StopSignal, urgent: boolean): void;
  /** Shows the last frame and the summary, and gives the terminal back. Nothing is called afterwards. */
  finish(summary: RunSummary): void;
  /** `finish` without a summary. May be called at any time, and twice. Default: what is shown never began, or was left. */
  close(status?: RunStatus): void;
}
