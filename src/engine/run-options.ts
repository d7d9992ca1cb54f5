// What a run needs to know, and whom it calls.

import type { Pipeline } from "../api/pipeline.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import type { Fingerprints } from "../module/fingerprints.ts";
import type { FoundParts, PartsRequest } from "../module/task-parts.ts";
import type { Only } from "../plan/selection.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { ModuleRef, ModuleSource, ToWriter } from "../protocol/messages.ts";
import type { RunRequest, Trigger, WriterOptions } from "../protocol/run-request.ts";
import type { RerunRequest } from "../protocol/reruns.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { InputMode } from "../protocol/stored-input.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { CreateExecutors } from "../executors/executors.ts";

export type WriterThread = {
  postMessage(message: ToWriter, transfer: MessagePort[]): void;
  terminate(): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  addEventListener(type: "close", listener: (event: CloseEvent) => void): void;
};

/** Each worker is a thread. */
export const maxWorkers = 1024;
/** Slots are memory, also the empty ones. */
export const maxConcurrency = 100_000;

export type RunOptions = {
  readonly pipeline: Pipeline;
  readonly trigger: Trigger;
  /** Pipeloom's. */
  readonly version: string;
  /** Where the threads find the pipeline's tasks. */
  readonly module: ModuleRef;
  /** The module's files as the main thread loaded them. None for a pipeline that ships inside. */
  readonly sources?: readonly ModuleSource[];
  /** SHA-256 of the module's files. */
  readonly code?: string;
  /** The names of all tasks that the module defines. */
  readonly tasks?: readonly string[];
  readonly definitions?: readonly Pick<AnyTaskDefinition, "name" | "reuse" | "label">[];
  /** What the results of the definitions depend on beside their code, and how this compares with earlier runs. */
  readonly parts?: (fingerprints: Fingerprints, request: PartsRequest) => Promise<FoundParts>;
  /** Default true: results of earlier runs are taken, where tasks have `reuse`. */
  readonly reuse?: boolean;
  /** Computes the fingerprints of their code; called when a run is continued, or once a new run has begun. */
  readonly fingerprints?: () => Promise<Fingerprints>;
  /** Which tasks of the run that is continued run again. */
  readonly reruns?: RerunRequest;
  /** Only these tasks, and what they need. */
  readonly only?: Only | undefined;
  readonly writer: WriterOptions;
  /** Checked by the pipeline's schema, or laid over its defaults. */
  readonly params: Record<string, unknown>;
  readonly resume: RunRequest["resume"];
  /** See `RunRequest`. Default null. */
  readonly scheduledFor?: string | null;
  /** See `RunRequest`. Default false. */
  readonly isAlone?: boolean;
  /** Default false. */
  readonly wait?: boolean;
  /** Number of workers. Undefined: one per core, or fewer if there are fewer tasks. */
  readonly workers: number | undefined;
  /** Number of tasks that run at once. Undefined: one per worker. */
  readonly concurrency: number | undefined;
  readonly failFast: boolean;
  /** Default `short`. */
  readonly inputs?: InputMode;
  /**
   * Arguments of `pipeloom run`, from any folder, that name this run: the file, the params, `only`. Undefined where a
   * command line cannot name it.
   */
  readonly again?: readonly string[] | undefined;
  readonly cores: number;
  readonly createExecutors: CreateExecutors;
  /** What the executors use, and stop with themselves. The run may end before it creates them. `shown`: its address, for people. */
  readonly engine?: { readonly shown: string; stop(): void };
  readonly spawnWriter: () => WriterThread;
  /** Default: a new table for this run only. */
  readonly programs?: Programs | undefined;
  /** Threads that were started early. Those that neither the writer nor the executors have taken are ended. */
  readonly spareThreads?: Disposable | undefined;
  readonly onEvents: (events: readonly RunEvent[]) => void;
  /** A promise while a reader of the events is behind: the writer waits for it, and so do the tasks. */
  readonly behind?: (() => Promise<void> | undefined) | undefined;
  /** Lines that belong to no task: prints of a module that loads, hooks that fail. */
  readonly onOutput: (level: LogLevel, line: string) => void;
};
