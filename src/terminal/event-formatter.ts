// The formatter of events: which events become a log line, from which verbosity on, and its text. Pure.

import type {
  RunEvent,
  RunReruns,
  TaskFinished,
  TaskRetrying,
  TaskSlow,
  TaskStarted,
} from "../protocol/events.ts";
import type { Failure } from "../base/failure.ts";
import { failureHead, failureLine } from "../base/failure.ts";
import type { LogLevel } from "../protocol/status.ts";
import { assertNever } from "../base/unreachable.ts";
import { duration, waitText } from "../base/format-duration.ts";
import { grouped, plural } from "../base/text.ts";
import { rerunLines } from "./reruns-text.ts";
import type { ShownTask } from "./view.ts";

/** `-q` (-1): failures. Default (0): also info, and the first retry of each task. `-v` (1): also the start and end of tasks. `-vv` (2): also debug logs. */
export type Verbosity = -1 | 0 | 1 | 2;

export type Line = {
  /** Epoch ms. */
  readonly at: number;
  readonly level: LogLevel;
  /** The task, with its name as it is in the data; null for a line of pipeloom's own. */
  readonly task: ShownTask | null;
  /** As it is in the data: with control characters, and perhaps several lines. */
  readonly text: string;
  /** Set if the text is about the task: `load-page failed`. Otherwise the task wrote it: `load-page: text`. */
  readonly about?: "started" | "done" | "failed" | "ended" | "retrying";
  /** Lines of one kind say the same, apart from numbers. Default: the text. */
  readonly kind?: string;
};

/** The line for this event, or undefined. Called for every event of a run: an event without a line costs nothing. */
export function formatEvent(event: RunEvent, verbosity: Verbosity): Line | undefined {
  switch (event.type) {
    case "task-finished":
      return finished(event, verbosity);
    case "task-log":
      return logged(event.level, verbosity) ? lineAbout(event, event.level, event.line) : undefined;
    case "task-retrying":
      return isRetryShown(event, verbosity) ? retrying(event, verbosity) : undefined;
    case "task-started":
      return verbosity >= 1
        ? { ...lineAbout(event, "debug", started(event)), about: "started" }
        : undefined;
    case "task-slow":
      return verbosity >= 0 ? lineAbout(event, "warn", slow(event)) : undefined;
    case "run-reruns":
      return verbosity >= 0 ? reruns(event) : undefined;
    // `RunHeader` has its line, with the number of tasks.
    case "run-started":
    case "run-finished":
    case "run-total":
    case "task-again":
    case "task-progress":
    case "task-checkpoint":
      return undefined;
    default:
      return assertNever(event);
  }
}

/** Once per task. With `-v`, every attempt. */
const isRetryShown = ({ attempt }: TaskRetrying, verbosity: Verbosity): boolean =>
  verbosity >= 1 || (verbosity === 0 && attempt === 1);

/** Whether a log line of a task is shown. `debug` needs `-vv`; `-q` shows none. */
function logged(level: LogLevel, verbosity: Verbosity): boolean {
  return verbosity >= (level === "debug" ? 2 : 0);
}

/** Whether a line of pipeloom's own is shown. */
export function isShown(level: LogLevel, verbosity: Verbosity): boolean {
  if (level === "error") return true;
  return verbosity >= (level === "debug" ? 1 : 0);
}

const started = ({ attempt, machine }: TaskStarted): string =>
  `started${on(machine)}${attempt === 1 ? "" : ` (attempt ${attempt})`}`;

const on = (machine: string | undefined): string => (machine === undefined ? "" : ` on ${machine}`);

const lineAbout = (
  { at, name, id, label, input }: ShownTask & { readonly at: number },
  level: LogLevel,
  text: string,
): Line => ({ at, level, task: { name, id, label, input }, text });

function finished(event: TaskFinished, verbosity: Verbosity): Line | undefined {
  if (event.status !== "error" && verbosity < 1) return undefined;
  switch (event.status) {
    case "done":
      return {
        ...lineAbout(event, "debug", event.reason ?? `done${lasted(event)}`),
        about: "done",
      };
    case "error":
      return {
        ...lineAbout(event, "error", failed(event, verbosity)),
        about: "failed",
        // Failures of several machines are of one kind.
        ...(event.machine === undefined
          ? {}
          : { kind: failed({ ...event, machine: undefined }, verbosity) }),
      };
    case "cancelled":
    case "skipped": {
      const why = because(event.failure, 0);
      // A reason such as "skipped because …" is a sentence of its own.
      const said = why.startsWith(`: ${event.status} `) ? why.slice(2) : event.status + why;
      return { ...lineAbout(event, "warn", said), about: "ended" };
    }
    default:
      return assertNever(event.status);
  }
}

const lasted = ({ startedAt, at }: TaskFinished): string =>
  startedAt === null ? "" : ` in ${duration(at - startedAt)}`;

/** With `-v`, `stack` adds the causes and errors. */
const because = (failure: Failure | undefined, verbosity: Verbosity): string =>
  failure === undefined ? "" : `: ${verbosity < 1 ? failureLine(failure) : failureHead(failure)}`;

function failed(event: TaskFinished, verbosity: Verbosity): string {
  const before = event.startedAt === null ? " in an earlier session of this run" : "";
  const attempts = event.attempt > 1 ? ` after ${event.attempt} attempts` : "";
  return `failed${on(event.machine)}${before}${attempts}${because(event.failure, verbosity)}${stack(event.failure, verbosity)}`;
}

/** `3× slower than usual: 31 s so far (p95 of 12 runs: 9.7 s)` */
function slow({ durationMs, p95Ms, runs, isRunning }: TaskSlow): string {
  const times = durationMs / p95Ms;
  const factor = times < 3 ? (Math.floor(10 * times) / 10).toFixed(1) : grouped(Math.floor(times));
  const took = isRunning ? `${duration(durationMs)} so far` : `it took ${duration(durationMs)}`;
  return `${factor}× slower than usual: ${took} (p95 of ${plural(runs, "run")}: ${duration(p95Ms)})`;
}

function retrying(event: TaskRetrying, verbosity: Verbosity): Line {
  const wait = waitText(event.retryAt - event.at);
  const why = because(event.failure, verbosity) + stack(event.failure, verbosity);
  const again = `attempt ${event.attempt + 1}`;
  const line = lineAbout(event, "warn", `${again} ${wait}${why}`);
  return { ...line, about: "retrying", kind: again + why };
}

/** With `-v`: the frames of the stack, of the causes and of the errors of an AggregateError, without the message. */
function stack(failure: Failure | undefined, verbosity: Verbosity): string {
  if (failure === undefined || verbosity < 1) return "";
  const { cause, errors = [] } = failure;
  const frames = (failure.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const parts = [
    ...errors.map((error, i) => ({ what: `error ${i + 1}`, of: error })),
    ...(cause === undefined ? [] : [{ what: "caused by", of: cause }]),
  ];
  const own = frames.map((line) => `\n${line}`).join("");
  const inner = parts.map(({ what, of }) => `\n${what}: ${failureHead(of)}${stack(of, verbosity)}`);
  return own + inner.join("");
}

const reruns = ({ run, at, tasks }: RunReruns): Line => ({
  at,
  level: tasks.some(({ reason }) => reason !== "asked") ? "warn" : "info",
  task: null,
  text: rerunLines(run, tasks).join("\n"),
});
