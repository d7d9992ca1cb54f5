// Everything that crosses a thread. One discriminated union per direction. Frequent messages travel as JSON
// text in batches: one string is three times faster to post than the structured clone of the same array.

import type { RunEvent, TaskEvent } from "./events.ts";
import type { Failure } from "../base/failure.ts";
import type { RunId, WorkerId, TaskId } from "./ids.ts";
import type { LogLevel, RunStatus } from "./status.ts";
import type { MainRecord } from "./records.ts";
import type { RunSummary } from "./summary.ts";

// ── main → task Worker ─────────────────────────────────────────────────────────────────────────────────

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
  /** Someone waits for the result: it comes back with the `task-finished` event. */
  readonly wantsResult: boolean;
  /** JSON text of the last committed checkpoint; absent when there is none. */
  readonly cursor?: string;
  /** What the node overrides of its definition's policy. */
  readonly retries?: RetryPolicy;
  readonly timeoutMs?: number;
};

/** `retries` with its defaults filled in. Delays in ms. Without `retryOn`, which is looked up by task name. */
export type RetryPolicy = {
  readonly limit: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly jitter: boolean;
  readonly maxDelayMs: number;
};

/** Where the user's tasks come from, in every thread alike. */
export type ModuleRef =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly export: string;
      /** The pipeline's name, where it came as a value (`runPipeline(value)`): no export need hold it. */
      readonly pipeline?: string;
    }
  /** A pipeline that ships inside the executable. */
  | { readonly kind: "builtin"; readonly name: string };

/** A file of the user's own, as it was when the run began. */
export type ModuleSource = { readonly path: string; readonly text: string };

export type RunInfo = {
  readonly id: RunId;
  readonly pipeline: string;
  /** JSON text of the checked params. */
  readonly params: string;
};

/** The first message, before the run has an id, with the writer's MessagePort in its transfer list. */
export type WorkerBoot = {
  readonly type: "boot";
  readonly workerId: WorkerId;
  readonly module: ModuleRef;
  /** What the module's files were when the main thread loaded them. */
  readonly sources: readonly ModuleSource[];
  /** How many tasks this thread may have in flight at once. */
  readonly slots: number;
  /** The database to read for `ctx.query`; null when it cannot be read from outside (`:memory:`). */
  readonly db: string | null;
  /** See shared/worker-memory.ts. */
  readonly memory: SharedArrayBuffer;
  /** See shared/programs.ts. */
  readonly programs: SharedArrayBuffer;
  readonly port: MessagePort;
  /** Names of environment variables whose values are masked in the text that leaves the thread. */
  readonly secrets: readonly string[];
};

export type ToWorker =
  | WorkerBoot
  /** The run has begun: what comes before it only made the thread ready, while the database was being opened. */
  | { readonly type: "begin"; readonly run: RunInfo }
  /** `tasks` is text of `Assignment[]` (codec/assignments.ts). Each is claimed before it runs (shared/claims.ts). */
  | { readonly type: "assign"; readonly batch: number; readonly tasks: string }
  /** Abort these (`ctx.signal`), or all that run here. */
  | {
      readonly type: "cancel";
      readonly ids: readonly TaskId[] | "all";
      readonly reason: CancelReason;
    }
  /** The run is over: let go of the database, which is about to be closed. Answered by `stopped`. */
  | { readonly type: "stop" };

export type CancelReason = "cancelled" | "timeout";

// ── task Worker → main ─────────────────────────────────────────────────────────────────────────────────

export type FromWorker =
  | { readonly type: "ready"; readonly workerId: WorkerId }
  /** Nothing here has the database open any more. */
  | { readonly type: "stopped"; readonly workerId: WorkerId }
  /** The module could not be loaded here, so no task of it can run. */
  | { readonly type: "broken"; readonly workerId: WorkerId; readonly failure: Failure }
  /**
   * Tasks have ended and left their slots; their rows may not be committed yet. `exhausted`: every batch up to
   * this number has no task left to claim. `busyMs`: what the tasks took, added up.
   */
  | {
      readonly type: "free";
      readonly workerId: WorkerId;
      readonly count: number;
      readonly exhausted: number;
      readonly busyMs: number;
    }
  /** Something was printed that belongs to no task, e.g. while the module was loading. */
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string };

// ── main → writer ──────────────────────────────────────────────────────────────────────────────────────

export type Durability = "full" | "normal";

export type WriterOptions = {
  /** A path, or `:memory:`. */
  readonly db: string;
  readonly wal: boolean;
  readonly durability: Durability;
  readonly storeTaskStatus: boolean;
};

export type RunRequest = {
  readonly pipeline: string;
  readonly file: string | null;
  /** JSON text, masked: what the file shows. */
  readonly params: string;
  /** `canonicalJson` of the params, secrets included: what tells runs apart. Only a keyed hash of it is stored. */
  readonly canonicalParams: string;
  /** SHA-256 of the pipeline's own files; null when it is not known. */
  readonly code: string | null;
  /**
   * `auto`: continue the newest dead run of the same pipeline and params, if there is one; refused while such a run is
   * alive. `fresh`: start a new one in any case. A number, or `last`: that run, or the newest that is not done.
   */
  readonly resume: "auto" | "fresh" | "last" | RunId;
  /** Where a run that is alive would be the reason to refuse: wait until it has ended, and decide then. */
  readonly wait: boolean;
  readonly schema: string | null;
  /** Names of environment variables whose values are masked in the text that the writer makes. */
  readonly secrets: readonly string[];
  readonly workers: number;
  readonly concurrency: number;
};

/** A task that an earlier session of a resumed run left in the database. */
export type RestoredTask = {
  readonly id: TaskId;
  readonly key: string;
  readonly status: "done" | "failed" | "open";
  readonly attempt: number;
  /** JSON text, of a failed one its failure; null where it is open, or where `isStored` says why. */
  readonly result: string | null;
  readonly cursor: string | null;
  /** The result is long, and stays in the file until main asks for it by `results`. */
  readonly isStored?: boolean;
  /** What the row is called, where it is not done. */
  readonly name?: string;
};

export type ToWriter =
  | {
      readonly type: "open";
      readonly options: WriterOptions;
      readonly run: RunRequest;
      /** Where `message(…, apply)` handlers come from; null when the pipeline has none. */
      readonly module: ModuleRef | null;
      /** A `SharedFlag`, set when the writer is to wait for no lock any longer: a writer that waits reads no messages. */
      readonly givenUp: SharedArrayBuffer;
    }
  | {
      readonly type: "attach";
      readonly workerId: WorkerId;
      readonly port: MessagePort;
      readonly memory: SharedArrayBuffer;
    }
  /** The Worker is gone. `sent`: how many batches it posted before that. Answered by `detached`. */
  | { readonly type: "detach"; readonly workerId: WorkerId; readonly sent: number }
  | { readonly type: "records"; readonly records: readonly MainRecord[] }
  | { readonly type: "total"; readonly total: number; readonly complete: boolean }
  /** Results of an earlier session that are long, of tasks that are done. Answered by `results`, in pages. */
  | { readonly type: "results"; readonly ids: readonly TaskId[] }
  /** Main has taken in this many `committed` messages. */
  | { readonly type: "seen"; readonly count: number }
  | {
      readonly type: "close";
      readonly status: Exclude<RunStatus, "running">;
      readonly failure: Failure | null;
    };

// ── writer → main ──────────────────────────────────────────────────────────────────────────────────────

export type FromWriter =
  /** Of a resumed run, before `opened`: JSON text of some `RestoredTask`s, in the order of their ids. */
  | { readonly type: "restored"; readonly tasks: string }
  /** `otherCode`: the run that is continued began with other code, so results of tasks already done come from that. */
  | {
      readonly type: "opened";
      readonly started: Extract<RunEvent, { type: "run-started" }>;
      readonly otherCode: boolean;
      /** When the run's first session began, epoch ms. */
      readonly beganAt: number;
    }
  /** With `wait`: the run that was waited for has done everything, and no run was begun here. */
  | { readonly type: "done-elsewhere"; readonly summary: RunSummary }
  /** `events` is JSON text of `WireEvent[]`, in the order they were committed. */
  | { readonly type: "committed"; readonly events: string }
  | { readonly type: "detached"; readonly workerId: WorkerId }
  /** JSON text of each, in the order in which main asked. */
  | {
      readonly type: "results";
      readonly results: readonly (readonly [id: TaskId, result: string])[];
    }
  /** User code printed something there: the module while it loaded, a message's `apply`. */
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string }
  /**
   * The writer cannot go on; nothing after the last `committed` is in the file. The failure's code is `given-up` where
   * that was main's wish.
   */
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "closed"; readonly finished: Extract<RunEvent, { type: "run-finished" }> };

/**
 * Tasks that are done, one after the other: three numbers each, `id, startedAt - base, at - base`, for main knows the
 * rest of what a `task-finished` says. `results` in the same order, JSON text; absent when all are `null`, and empty
 * where none is needed.
 */
export type DonePack = {
  readonly type: "done";
  readonly base: number;
  readonly numbers: readonly number[];
  readonly results?: readonly string[];
};

export type WireEvent = CommittedEvent | DonePack;

export type CommittedEvent = TaskEvent | Extract<RunEvent, { type: "run-total" }>;
