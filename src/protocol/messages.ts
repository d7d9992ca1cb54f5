// The messages between main and the workers, and between main and the writer: one discriminated union per direction. What
// workers send the writer is in writer-records.ts. Frequent messages travel as one JSON text: posting one string is three times
// faster than the structured clone of the same array.

import type { QueryLine } from "./asked-query.ts";
import type { Learned, SessionDurations } from "./learned.ts";
import type { RunEvent, TaskEvent } from "./events.ts";
import type { Failure } from "../base/failure.ts";
import type { RunId, WorkerId, TaskId } from "./ids.ts";
import type { LogLevel, RunStatus } from "./status.ts";
import type { Rerun } from "./reruns.ts";
import type { KnownParts, ReuseAsk, TaskParts } from "./reuse.ts";
import type { MainRecord } from "./writer-records.ts";
import type { RunSlot } from "./schedule-rule.ts";
import type { PassedOver, RunRequest, WriterOptions } from "./run-request.ts";
import type { RunSummary } from "./summary.ts";
import type { WantsResult } from "./wants-result.ts";

// ── main → worker ──────────────────────────────────────────────────────────────────────────────────────

/** One attempt of one task. */
export type Assignment = {
  readonly id: TaskId;
  /** The definition's name: functions never cross a thread, names do. */
  readonly task: string;
  /** What a person calls this node; often the same. */
  readonly name: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** JSON text. */
  readonly input: string;
  readonly wantsResult: WantsResult;
  /** The node's own; absent where it has none. */
  readonly label?: string;
  /** JSON text of the last committed checkpoint; absent when there is none. */
  readonly cursor?: string;
  /** The call had no input, and `run` has a default for it. The input text is `null` all the same. */
  readonly isBare?: true;
  /** See needs.ts. */
  readonly needs?: string;
  /** What the node overrides of its definition's policy. */
  readonly retries?: RetryPolicy;
  readonly timeoutMs?: number;
  /** See PlannedItem. */
  readonly position?: number | undefined;
  /** Epoch ms: since when it has been ready; of a first attempt that was not dispatched at once (`leastWaitMs`). */
  readonly readyAt?: number;
  /** Epoch ms: an earlier session has begun this very attempt then, and its end is not in the database. No worker is told. */
  readonly begunBefore?: number;
};

/**
 * A task that waits less long is said not to wait. Workers hold 25 ms of work ahead, so most short tasks wait some ms, and each
 * number that is sent and stored costs time.
 */
export const leastWaitMs = 100;

/**
 * `retries` with defaults filled in. `retryOn` and `after` are functions and not part of it: each thread finds them by task
 * name.
 */
export type RetryPolicy = {
  readonly limit: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly jitter: boolean;
  readonly maxDelayMs: number;
  /** The longest wait that `after` may ask for: `maxDelay`, if the author has set it. */
  readonly maxAfterMs?: number;
};

/** Where every thread loads the user's tasks from. */
export type ModuleRef =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly export: string;
      /** The pipeline's name, for `runPipeline(value)`: the file then need not export the pipeline. */
      readonly pipeline?: string;
      /** The folder from which messages show paths. Default: the working directory. */
      readonly shownFrom?: string;
    }
  /** A pipeline that ships inside the executable. */
  | { readonly kind: "builtin"; readonly name: string };

/** A file of the user's project, as it was when the main thread loaded it. */
export type ModuleSource = {
  readonly path: string;
  /** Of a file that is too large to be kept, the SHA-256 in hex. */
  readonly text: string;
  readonly isDigest?: true;
};

export type RunInfo = {
  readonly id: RunId;
  readonly pipeline: string;
  /** JSON text of the checked params. */
  readonly params: string;
  /** Lines of an attempt that are stored, where its task does not say. Null: no log is stored, so none is cut. */
  readonly maxLogLines: number | null;
  /** False with `--no-store-task-status`. */
  readonly hasOwnTables: boolean;
  /** Absent where the run is for no slot of a schedule. */
  readonly slot?: RunSlot;
};

/** The first message to a worker. The run has no id yet. `port` leads to the writer and is transferred. */
export type WorkerBoot = {
  readonly type: "boot";
  readonly workerId: WorkerId;
  readonly module: ModuleRef;
  readonly sources: readonly ModuleSource[];
  /** How many tasks run at once in this worker. */
  readonly slots: number;
  /** The database that `ctx.query` reads; null when no other connection can read it (`:memory:`). */
  readonly db: string | null;
  /** See shared/worker-memory.ts. */
  readonly memory: SharedArrayBuffer;
  /** See shared/programs.ts. */
  readonly programs: SharedArrayBuffer;
  readonly port: MessagePort;
  /** How far the worker's clock is ahead of the run's, which runs on another machine. Default 0. */
  readonly clockAheadMs?: number;
  /** For `ctx.query` where another machine has the database; absent where the worker opens `db`. */
  readonly queries?: QueryLine;
  /** Names of environment variables whose values are masked in the text that leaves the worker. */
  readonly secrets: readonly string[];
  /** The most characters of a task's input that are stored (stored-input.ts). */
  readonly maxInput: number;
};

export type ToWorker =
  | WorkerBoot
  /** The run has begun. Until then, the worker loads the module while the writer opens the database. */
  | { readonly type: "begin"; readonly run: RunInfo }
  /** `tasks`: packed `Assignment[]` (codec/assignments.ts). The worker claims each before it runs it (shared/claims.ts). */
  | {
      readonly type: "assign";
      readonly batch: number;
      readonly tasks: string;
      /** Epoch ms. */
      readonly at: number;
    }
  /** Abort these tasks (`ctx.signal`), or all that run in this worker. */
  | {
      readonly type: "cancel";
      readonly ids: readonly TaskId[] | "all";
      readonly reason: CancelReason;
    }
  /** All tasks have ended: close the database. Answered by `reader-closed`. */
  | { readonly type: "close-reader" };

export type CancelReason = "cancelled" | "timeout";

// ── worker → main ──────────────────────────────────────────────────────────────────────────────────────

export type FromWorker =
  | { readonly type: "ready"; readonly workerId: WorkerId }
  /** The worker has closed the database. */
  | { readonly type: "reader-closed"; readonly workerId: WorkerId }
  /** The worker could not load the module: no task can run. */
  | { readonly type: "broken"; readonly workerId: WorkerId; readonly failure: Failure }
  /**
   * `count` tasks have ended and left their slots. Their rows may not be committed yet. `exhausted`: no batch up to this
   * number has a task left to claim. `busyMs`: duration of these tasks, added up.
   */
  | {
      readonly type: "free";
      readonly workerId: WorkerId;
      readonly count: number;
      readonly exhausted: number;
      readonly busyMs: number;
    }
  /** The `label` of a task definition gave no label; main says the first of a definition. `line` says what is wrong. */
  | { readonly type: "no-label"; readonly task: string; readonly line: string }
  /** Something was printed outside of any task, e.g. while the module was loading. */
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string };

// ── main → writer ──────────────────────────────────────────────────────────────────────────────────────

/** A task that an earlier session of a resumed run left in the database. */
export type RestoredTask = {
  readonly id: TaskId;
  readonly key: string;
  readonly status: "done" | "failed" | "open";
  readonly attempt: number;
  /** How many of these attempts were interrupted, which uses up no retry; absent: none. */
  readonly interruptions?: number;
  /**
   * JSON text of the result, or of a failed task's failure; null while the task is open, and for a long result: it stays in
   * the file until main asks for it (`results`).
   */
  readonly result: string | null;
  readonly cursor: string | null;
  /** Epoch ms: when its last attempt began, which the end of the last session has interrupted. */
  readonly startedAt?: number;
  /** See PlannedItem; `unknownPosition` where an earlier version of pipeloom began the run. */
  readonly position: number;
  /** The name in the task's row; absent when the task is done. */
  readonly name?: string;
  /** True: it runs from its beginning, because its code has changed or the user asks for it. It may have ended before. */
  readonly isOutdated?: boolean;
  /** True: what depends on it runs from its beginning too, unless that has happened already (`isOutdated` is absent). */
  readonly passesOn?: boolean;
};

/**
 * Tasks that are done and not outdated, in the order of their ids: up to 5,000 of them, as SQLite joins them. `keys` and
 * `results` are joined by the separator of packed texts. A result is JSON text, or empty when it stays in the file;
 * `results` is null when each is `null`. `positions`: as in the rows, joined by commas; null when each is the task's id.
 */
export type DonePage = {
  /** Joined by commas. */
  readonly ids: string;
  readonly keys: string;
  readonly results: string | null;
  readonly positions: string | null;
};

/** Of a resumed run: tasks in the order of their ids. */
export type RestoredPage = {
  readonly tasks: readonly RestoredTask[];
  readonly done: DonePage | null;
};

export type ToWriter =
  | {
      readonly type: "open";
      readonly options: WriterOptions;
      readonly run: RunRequest;
      /** The module with the `message(…, apply)` handlers; null when the pipeline has none. */
      readonly module: ModuleRef | null;
      /** A `SharedFlag`. Once it is set the writer stops waiting for locks: a writer that waits reads no messages. */
      readonly givenUp: SharedArrayBuffer;
      /**
       * A `SharedCount` of the `records` messages that main has sent. What a worker sends may be delivered before what main
       * sent earlier: the writer then waits for main's.
       */
      readonly recorded: SharedArrayBuffer;
    }
  /** `port` and `memory`: the connection to a worker that was started. `machine`: its name, where it is not this one. */
  | {
      readonly type: "attach";
      readonly workerId: WorkerId;
      readonly machine?: string;
      readonly port: MessagePort;
      readonly memory: SharedArrayBuffer;
    }
  /** The worker is gone. `sent`: how many messages it had sent on its port. Answered by `detached`. */
  | { readonly type: "detach"; readonly workerId: WorkerId; readonly sent: number }
  | { readonly type: "records"; readonly records: readonly MainRecord[] }
  | { readonly type: "total"; readonly total: number; readonly complete: boolean }
  /** JSON text of `RunGraph`, in place of the one before. */
  | { readonly type: "graph"; readonly graph: string }
  /** Asks for results that stayed in the file. Answered by `results`, in pages. */
  | { readonly type: "results"; readonly ids: readonly TaskId[] }
  /** The fingerprints of the definitions, by name, and what else their results depend on. Answers `code-wanted`. */
  | {
      readonly type: "code";
      readonly code: readonly (readonly [task: string, hash: string])[];
      readonly parts: readonly TaskParts[];
    }
  /** Answers `sources-wanted`: the code of these fingerprints, gzip of text. */
  | {
      readonly type: "sources";
      readonly sources: readonly (readonly [fingerprint: string, source: Uint8Array])[];
    }
  /**
   * Asks for results of earlier runs, after `code`. Answered by a `task-finished` event for those that there are, once it is
   * committed, and by `not-reused` for the others.
   */
  | { readonly type: "reuse"; readonly tasks: readonly ReuseAsk[] }
  /** Main has handled this many more `committed` messages. */
  | { readonly type: "seen"; readonly count: number }
  | {
      readonly type: "close";
      readonly status: Exclude<RunStatus, "running">;
      readonly failure: Failure | null;
      /** Definitions whose declared files have changed during the session: no later run takes their results. */
      readonly changedFiles?: readonly string[];
      /** Absent where no task is done. */
      readonly durations?: SessionDurations;
    };

// ── writer → main ──────────────────────────────────────────────────────────────────────────────────────

export type FromWriter =
  /**
   * Only for a resumed run, before `opened`, in pages. `tasks`: JSON text of `RestoredTask[]`, ordered by id. `done`: the
   * tasks of the page that need no more than `DonePage` holds.
   */
  | { readonly type: "restored"; readonly tasks: string; readonly done: DonePage | null }
  /** Asks for the fingerprints: before a run is continued, or once a new run has begun. `known`: of earlier runs. */
  | { readonly type: "code-wanted"; readonly known: readonly KnownParts[] }
  /** After `code`, once the run has begun: the fingerprints whose code is not in the file. Perhaps none. */
  | { readonly type: "sources-wanted"; readonly fingerprints: readonly string[] }
  | { readonly type: "not-reused"; readonly ids: readonly TaskId[] }
  | {
      readonly type: "opened";
      readonly started: Extract<RunEvent, { type: "run-started" }>;
      /** The run is continued with other code, and which of its tasks that concerns is not known: all are kept. */
      readonly otherCode: boolean;
      readonly reruns: readonly Rerun[];
      /** Start of the run's first session, epoch ms. */
      readonly beganAt: number;
      /** Absent where the database has no earlier durations of the pipeline's tasks. */
      readonly learned?: Learned;
      readonly passedOver?: PassedOver;
    }
  /** With `wait`: the other run has done everything. No run was begun here. */
  | { readonly type: "done-elsewhere"; readonly summary: RunSummary }
  /** `events`: text of `WireEvent[]` (`packAnnouncement`), in the order of their commits. */
  | { readonly type: "committed"; readonly events: string }
  /** Everything that the lost worker had sent is committed. */
  | { readonly type: "detached"; readonly workerId: WorkerId }
  /** `result` is JSON text. The order is that of the request. */
  | {
      readonly type: "results";
      readonly results: readonly (readonly [id: TaskId, result: string])[];
    }
  /** User code printed something in the writer's thread: the module while it loaded, or a message's `apply`. */
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string }
  /**
   * The writer cannot go on. The file holds what was announced by `committed`, and nothing else. The failure's code is
   * `given-up` when main had set the flag `givenUp`.
   */
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "closed"; readonly finished: Extract<RunEvent, { type: "run-finished" }> };

/**
 * Done tasks, in the order of their commits. `numbers` holds three per task: `id`, `startedAt - base`, `at - base`. Main
 * knows the rest of a `task-finished` event. `machine`: where all of them ran, in a run with an engine. `labels` holds the author's
 * label of each task, or null; absent where there are none. `results` holds a JSON text per task: `null` when nobody reads the result,
 * and "" when it stays in the file (`WantsResult`). `results` is absent when every result is `null`.
 */
export type DonePack = {
  readonly type: "done";
  readonly base: number;
  readonly machine?: string | undefined;
  readonly numbers: readonly number[];
  readonly labels?: readonly (string | null)[];
  readonly results?: readonly string[];
};

export type WireEvent = CommittedEvent | DonePack;

export type CommittedEvent = TaskEvent | Extract<RunEvent, { type: "run-total" }>;
