// What one simulation does, as a plain JSON value: the pipeline, what its tasks do, what befalls it. A failing one is
// made smaller by leaving parts of it out.

import type { DiskFault } from "./disk.ts";
import type { Death } from "./threads.ts";
import type { Pace } from "./world.ts";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One thing that a task does. */
export type Step =
  | { readonly op: "wait"; readonly ms: number }
  /** Keeps its thread from everything else, as a blocking call does. */
  | { readonly op: "block"; readonly ms: number }
  /** Until it is told to stop, or for ever. */
  | { readonly op: "hang"; readonly listens: boolean }
  | { readonly op: "progress"; readonly step: number; readonly total: number }
  | { readonly op: "log"; readonly text: string }
  | {
      readonly op: "insert";
      readonly rows: number;
      readonly form: "array" | "iterable" | "async";
      readonly isAwaited: boolean;
      /** The array is changed after the call. */
      readonly isReused: boolean;
    }
  /** Rows of several shapes by one key, over what the step before may have put there. */
  | {
      readonly op: "upsert";
      readonly rows: number;
      readonly shapes: number;
      readonly isAwaited: boolean;
    }
  | { readonly op: "emit"; readonly isAwaited: boolean }
  | { readonly op: "checkpoint"; readonly isAwaited: boolean }
  /** Reads back what its own checkpoints have committed. */
  | { readonly op: "query" }
  /** A send that cannot be encoded, which the author catches. */
  | { readonly op: "caught" }
  /** The same, and nobody looks. */
  | { readonly op: "unseen" }
  /** What the author forgot: it sends after the function has returned. `both`: a checkpoint, an insert, a checkpoint. */
  | { readonly op: "late"; readonly ms: number; readonly what: "insert" | "checkpoint" | "both" }
  /** A row whose key is there twice: the unit does not fit. */
  | { readonly op: "conflict" }
  /** A row that only the commit refuses: its parent is missing, and the foreign key is deferred. */
  | { readonly op: "orphan" }
  /** A message whose statement undoes the whole transaction. */
  | { readonly op: "rollback" }
  /** So many lines of log at once. */
  | { readonly op: "flood"; readonly lines: number }
  /** Thrown by a callback that nobody waits for. */
  | { readonly op: "crash" }
  | { readonly op: "exit" };

export type Retries = {
  readonly limit: number;
  readonly delay: number;
  readonly factor: number;
  readonly jitter: boolean;
};

export type Kind = {
  readonly steps: readonly Step[];
  /** A list of so many items, or a value. */
  readonly yields: number | "value" | "null";
  /** Attempts up to this one fail after their steps. */
  readonly failUntil: number;
  /** They throw, or return what is not JSON, or a secret. */
  readonly failBy: "throw" | "result" | "secret";
  /** Throws where it has not awaited anything. Only without steps that wait. */
  readonly isSync: boolean;
  readonly settings: Settings;
};

export type Settings = {
  readonly retries?: Retries;
  readonly timeout?: number;
  readonly pool?: string;
  readonly priority?: number;
  readonly optional?: boolean;
};

/** What an input is made of. */
export type Expr =
  | { readonly value: Json }
  /** A node made before, at the top level. */
  | { readonly ref: number }
  /** The item of a fan-out around this: 0 is the innermost. */
  | { readonly item: number }
  | { readonly list: readonly Expr[] }
  | { readonly task: Call }
  | { readonly each: Fan };

export type Call = {
  readonly kind: number;
  readonly input: Expr;
  readonly after?: readonly Expr[];
  readonly settings?: Settings;
};

export type Fan = { readonly source: Expr; readonly item: Expr };

/** What befalls the process from outside. */
export type Incident =
  /** Ctrl-C once, or twice. */
  | { readonly what: "cancel"; readonly atEvent: number; readonly urgent: boolean }
  /** `pipeloom cancel`, from another process. */
  | { readonly what: "asked"; readonly atEvent: number; readonly urgent: boolean }
  | { readonly what: "clock"; readonly atEvent: number; readonly byMs: number }
  | { readonly what: "kill"; readonly atEvent: number }
  /** The process dies right before or after the writer's statement of this number. */
  | {
      readonly what: "kill-at-statement";
      readonly atStatement: number;
      readonly when: "before" | "after";
    }
  /** The thread of this number dies by itself. */
  | { readonly what: "death"; readonly thread: number; readonly death: Death }
  /** The writer's thread ends: a message's `apply` calls `process.exit`, for instance. */
  | { readonly what: "writer-death"; readonly atEvent: number }
  | { readonly what: "disk"; readonly fault: DiskFault };

/** One process. */
export type Session = {
  readonly workers: number;
  readonly concurrency: number;
  readonly failFast: boolean;
  readonly incidents: readonly Incident[];
  /** Top-level nodes that this version of the file has not. */
  readonly leavesOut: readonly number[];
};

export type Scenario = {
  readonly seed: number;
  readonly pace: Pace;
  readonly kinds: readonly Kind[];
  readonly pools: { readonly [name: string]: { readonly limit: number; readonly per?: number } };
  readonly form: "list" | "generator" | "async-generator";
  /** Top-level nodes, each of which may be an input of later ones; `roots` are what `tasks` yields. */
  readonly nodes: readonly Expr[];
  readonly roots: readonly number[];
  readonly wal: boolean;
  /** Whoever reads the events is behind now and then. */
  readonly isReadSlowly?: boolean;
  /** What `onTaskFinish` does: nothing that takes time, something that does, or it fails. */
  readonly hook: "quick" | "slow" | "throws";
  readonly storeTaskStatus: boolean;
  /** The last one has no incidents, and comes to the end. */
  readonly sessions: readonly Session[];
};
