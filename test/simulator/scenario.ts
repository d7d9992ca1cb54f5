// A scenario as a plain JSON value: the pipeline, the steps of its tasks, and the incidents. shrink.ts makes a failing
// scenario smaller by removing parts.

import type { DiskFault } from "./disk.ts";
import type { Death } from "./threads.ts";
import type { Pace } from "./world.ts";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One step of a task. */
export type Step =
  | { readonly op: "wait"; readonly ms: number }
  /** Blocks the thread, like a synchronous call. */
  | { readonly op: "block"; readonly ms: number }
  /** Waits for the abort signal, or forever. */
  | { readonly op: "hang"; readonly listens: boolean }
  | { readonly op: "progress"; readonly step: number; readonly total: number }
  | { readonly op: "log"; readonly text: string }
  | {
      readonly op: "insert";
      readonly rows: number;
      readonly form: "array" | "iterable" | "async";
      readonly isAwaited: boolean;
      /** The task changes the array after the call. */
      readonly isReused: boolean;
    }
  /** Upserts rows of several shapes, possibly over rows of an earlier step. */
  | {
      readonly op: "upsert";
      readonly rows: number;
      readonly shapes: number;
      readonly isAwaited: boolean;
    }
  | { readonly op: "emit"; readonly isAwaited: boolean }
  | { readonly op: "checkpoint"; readonly isAwaited: boolean }
  /** Queries the rows that the task's checkpoints have committed. */
  | { readonly op: "query" }
  /** A send that cannot be encoded; the task catches the error. */
  | { readonly op: "caught" }
  /** The same, but the task neither awaits nor catches it. */
  | { readonly op: "unseen" }
  /** Leftover code that sends after `run` has returned. `both`: a checkpoint, an insert, a checkpoint. */
  | { readonly op: "late"; readonly ms: number; readonly what: "insert" | "checkpoint" | "both" }
  /** Two rows with the same unique key: the unit cannot be applied. */
  | { readonly op: "conflict" }
  /** A row that fails only at the commit: its parent is missing, and the foreign key is deferred. */
  | { readonly op: "orphan" }
  /** A message whose statement rolls back the whole transaction. */
  | { readonly op: "rollback" }
  /** Logs this many lines at once. */
  | { readonly op: "flood"; readonly lines: number }
  /** Throws in a callback that is not awaited. */
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
  /** The result: a list of this many items, or a value. */
  readonly yields: number | "value" | "long" | "null";
  /** Attempts up to this one fail after their steps. */
  readonly failUntil: number;
  /** How they fail: by a throw, by a result that is not JSON, or by a result with a secret. */
  readonly failBy: "throw" | "result" | "secret";
  /** The inputs of its tasks do not tell which task it is: equal calls have other results. */
  readonly isTicket?: true;
  /** `run` is synchronous, so it throws directly. Only without steps that wait. */
  readonly isSync: boolean;
  /** What `retries.after` of the task says: ms, nothing, or something wrong. Absent: there is no such function. */
  readonly after?: number | "nothing" | "odd" | "throws";
  readonly settings: Settings;
};

export type Settings = {
  readonly retries?: Retries;
  readonly timeout?: number;
  readonly pool?: string;
  readonly priority?: number;
  readonly optional?: boolean;
};

/** Expression for an input or a node. */
export type Expr =
  | { readonly value: Json }
  /** An earlier top-level node. */
  | { readonly ref: number }
  /** The item of an enclosing fan-out; 0 is the innermost. */
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

/** An external incident. */
export type Incident =
  /** Ctrl-C, once or twice. */
  | { readonly what: "cancel"; readonly atEvent: number; readonly urgent: boolean }
  /** `pipeloom cancel`, from another process. */
  | { readonly what: "asked"; readonly atEvent: number; readonly urgent: boolean }
  | { readonly what: "clock"; readonly atEvent: number; readonly byMs: number }
  /** `whileBusy`: not before the file says that a task runs. */
  | { readonly what: "kill"; readonly atEvent: number; readonly whileBusy?: true }
  /** The process dies directly before or after the writer's statement of this number. */
  | {
      readonly what: "kill-at-statement";
      readonly atStatement: number;
      readonly when: "before" | "after";
    }
  /** The thread of this number dies. */
  | { readonly what: "death"; readonly thread: number; readonly death: Death }
  /** The writer's thread ends, e.g. because a message's `apply` calls `process.exit`. */
  | { readonly what: "writer-death"; readonly atEvent: number }
  | { readonly what: "disk"; readonly fault: DiskFault }
  /** Of many machines. */
  | ({ readonly what: "engine"; readonly atEvent: number } & EngineFault);

export const engineFaults = [
  "dies",
  "leaves",
  "stops",
  "is cut off",
  "run is cut off",
  "reconnects",
  "redis restarts",
  "redis forgets",
  "redis loses the last second",
] as const;

/** `ms`: for how long, where it ends by itself. */
export type EngineFault = {
  readonly fault: (typeof engineFaults)[number];
  readonly machine: number;
  readonly ms: number;
};

/** The session's tasks run on machines. */
export type EnginePlan = {
  readonly machines: number;
  /** Of each machine. */
  readonly threads: number;
  readonly slots: number;
  /** Tasks in flight; absent: as many as there is room for. */
  readonly mostTasks: number | undefined;
  /** Typical time to Redis. */
  readonly latencyMs: number;
};

/** One process of a scenario. */
export type Session = {
  readonly workers: number;
  readonly concurrency: number;
  readonly failFast: boolean;
  readonly incidents: readonly Incident[];
  /** Absent: the tasks run in threads of the process. */
  readonly engine?: { readonly latencyMs: number };
  /** Top-level nodes that are missing in this version of the file. */
  readonly leavesOut: readonly number[];
  /** Kinds whose code is edited before this session. Default: none. */
  readonly edits?: readonly number[];
  /** `--rerun` of these kinds, of what failed, and `--downstream`. In the first session there is nothing to run again. */
  readonly asks?: Asks;
};

export type Asks = {
  readonly rerun: readonly number[];
  readonly failed: boolean;
  readonly downstream: boolean;
};

export type Scenario = {
  readonly seed: number;
  readonly pace: Pace;
  readonly kinds: readonly Kind[];
  readonly pools: { readonly [name: string]: { readonly limit: number; readonly per?: number } };
  readonly form: "list" | "generator" | "async-generator";
  /** Top-level nodes; later ones may refer to earlier ones. `roots` are the nodes that `tasks` yields. */
  readonly nodes: readonly Expr[];
  readonly roots: readonly number[];
  readonly wal: boolean;
  /** The reader of the events is slow from time to time. */
  readonly isReadSlowly?: boolean;
  /** Behavior of `onTaskFinish`: fast, slow, or failing. */
  readonly hook: "quick" | "slow" | "throws";
  readonly storeTaskStatus: boolean;
  /** `logs.maxLines` of the pipeline. Absent: the default, which no scenario reaches. */
  readonly maxLines?: number;
  /** `--inputs`. Absent: the default. */
  readonly inputs?: "full" | "none";
  /** Each node has a label, with a secret in it. */
  readonly hasLabels?: true;
  /** The tables of rows are made by the tasks (`create: true`), not by the schema. */
  readonly createsTables?: true;
  /** With each checkpoint, a task sets a value of `ctx.state`: the cursor. */
  readonly keepsState?: true;
  /** The last session has no incidents and completes the run. */
  readonly sessions: readonly Session[];
};
