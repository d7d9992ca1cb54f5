// What a run needs to know, and whom it calls.

import type { Pipeline } from "../api/pipeline.ts";
import type { RunEvent } from "../protocol/events.ts";
import type {
  ModuleRef,
  ModuleSource,
  RunRequest,
  ToWriter,
  WriterOptions,
} from "../protocol/messages.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { CreateExecutors } from "../executors/executors.ts";

export type WriterThread = {
  postMessage(message: ToWriter, transfer: MessagePort[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  addEventListener(type: "close", listener: (event: CloseEvent) => void): void;
};

export type RunOptions = {
  readonly pipeline: Pipeline;
  /** Where the threads find the pipeline's tasks. */
  readonly module: ModuleRef;
  /** Its files, as the main thread has loaded them. None for what ships inside. */
  readonly sources?: readonly ModuleSource[];
  /** SHA-256 of these. */
  readonly code?: string;
  readonly writer: WriterOptions;
  /** Checked. */
  readonly params: Record<string, unknown>;
  readonly resume: RunRequest["resume"];
  /** Default false. */
  readonly wait?: boolean;
  /** Threads. Undefined: one a core, or fewer if there are fewer tasks. */
  readonly workers: number | undefined;
  /** Tasks in flight. Undefined: one a thread. */
  readonly concurrency: number | undefined;
  readonly failFast: boolean;
  readonly cores: number;
  readonly createExecutors: CreateExecutors;
  readonly spawnWriter: () => WriterThread;
  /** Default: a new table, which nobody else sees. */
  readonly programs?: Programs | undefined;
  /** Threads that were started early. Those that neither the writer nor the executors have taken are ended. */
  readonly spareThreads?: Disposable | undefined;
  readonly onEvents: (events: readonly RunEvent[]) => void;
  /** A promise while whoever reads the events is behind: the writer then waits, and with it the tasks. */
  readonly behind?: (() => Promise<void> | undefined) | undefined;
  /** What no task printed: modules while they load, hooks that fail. */
  readonly onOutput: (level: LogLevel, line: string) => void;
};
