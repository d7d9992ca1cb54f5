// What the tests of the screen share: a clock that is held, a run's events, a Ui on a terminal in memory.

import type { RunEvent } from "../../src/protocol/events.ts";
import type { Failure } from "../../src/base/failure.ts";
import { runId, taskId } from "../../src/protocol/ids.ts";
import type { FinalStatus, LogLevel } from "../../src/protocol/status.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import type { UiOptions } from "../../src/terminal/create-ui.ts";
import { createUi } from "../../src/terminal/create-ui.ts";
import type { UiClock } from "../../src/terminal/terminal.ts";
import type { Ui } from "../../src/terminal/ui.ts";
import { VirtualTerminal } from "../support/virtual-terminal.ts";

export const epoch = Date.UTC(2026, 0, 31, 12);

export type HeldClock = UiClock & { tick: (ms?: number) => void; set: (ms: number) => void };

/** Time passes when the test says so; what is to be called every so often is called once a tick. */
export function heldClock(): HeldClock {
  let now = epoch;
  const calls = new Set<() => void>();
  return {
    now: () => now,
    every(_, call) {
      calls.add(call);
      return () => calls.delete(call);
    },
    tick(ms = 100) {
      now += ms;
      for (const call of calls) call();
    },
    set(ms) {
      now = epoch + ms;
    },
  };
}

export const boom: Failure = { name: "TypeError", message: "x is not a function" };

/** Short hands for events; times are ms after `epoch`. */
export const event = {
  runStarted: (more: Partial<Extract<RunEvent, { type: "run-started" }>> = {}): RunEvent => ({
    type: "run-started",
    run: runId(1),
    pipeline: "demo",
    file: "/home/me/etl.ts",
    db: "wal_demo.db",
    journal: "wal",
    workers: 4,
    concurrency: 4,
    at: epoch,
    resumed: false,
    alreadyDone: 0,
    ...more,
  }),
  total: (total: number, complete = true): RunEvent => ({ type: "run-total", total, complete }),
  started: (id: number, at = 0, name = `task-${id}`, attempt = 1): RunEvent => ({
    type: "task-started",
    id: taskId(id),
    name,
    attempt,
    at: epoch + at,
  }),
  progress: (id: number, progress: number, message?: string): RunEvent => ({
    type: "task-progress",
    id: taskId(id),
    progress,
    ...(message === undefined ? {} : { message }),
  }),
  log: (id: number, line: string, level: LogLevel = "info", name = `task-${id}`): RunEvent => ({
    type: "task-log",
    id: taskId(id),
    name,
    attempt: 1,
    at: epoch,
    level,
    line,
  }),
  retrying: (id: number, retryAt: number, at = 0, name = `task-${id}`): RunEvent => ({
    type: "task-retrying",
    id: taskId(id),
    name,
    attempt: 1,
    at: epoch + at,
    failure: boom,
    retryAt: epoch + retryAt,
  }),
  slow: (id: number, durationMs: number, isRunning: boolean, p95Ms = 10_000): RunEvent => ({
    type: "task-slow",
    id: taskId(id),
    name: `task-${id}`,
    task: "task",
    at: epoch + durationMs,
    durationMs,
    isRunning,
    p95Ms,
    runs: 12,
  }),
  finished: (
    id: number,
    status: FinalStatus = "done",
    at = 1000,
    name = `task-${id}`,
  ): RunEvent => ({
    type: "task-finished",
    id: taskId(id),
    name,
    attempt: 1,
    status,
    startedAt: epoch,
    at: epoch + at,
    ...(status === "done" ? {} : { failure: boom }),
  }),
  runFinished: (status: "done" | "error" | "cancelled" = "done", at = 5000): RunEvent => ({
    type: "run-finished",
    run: runId(1),
    status,
    at: epoch + at,
  }),
};

export const summary = (more: Partial<RunSummary> = {}): RunSummary => ({
  run: runId(1),
  pipeline: "demo",
  file: "/home/me/etl.ts",
  db: "wal_demo.db",
  status: "done",
  failure: null,
  total: 100,
  done: 100,
  failed: 0,
  cancelled: 0,
  skipped: 0,
  queued: 0,
  interrupted: 0,
  retries: 0,
  alreadyDone: 0,
  startedAt: epoch,
  finishedAt: epoch + 7300,
  failures: [],
  failureGroups: [],
  rerun: null,
  reused: 0,
  slowest: [],
  ...more,
});

export type Rig = {
  readonly ui: Ui;
  readonly clock: HeldClock;
  readonly terminal: VirtualTerminal;
  /** What came out on stdout. */
  readonly stdout: () => string;
};

/** A Ui on a terminal of `columns` × `rows`, without colours. */
export function rig(
  size: { columns?: number; rows?: number } = {},
  options: Partial<UiOptions> = {},
): Rig {
  const terminal = new VirtualTerminal(size);
  const clock = heldClock();
  let out = "";
  const ui = createUi({
    verbosity: 0,
    json: false,
    logFile: undefined,
    stdout: { write: (text) => void (out += text) },
    stderr: terminal,
    env: { TERM: "xterm-256color", NO_COLOR: "1" },
    isTty: true,
    cwd: "/home/me",
    clock,
    ...options,
  });
  return { ui, clock, terminal, stdout: () => out };
}
