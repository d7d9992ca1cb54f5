// What the server tells the page: JSON, below /data/. Types and pure functions only, because the browser has them too. Times are
// epoch ms, durations ms.

import type { LogLevel, RunStatus, TaskStatus } from "../protocol/status.ts";

export type SeenStatus = TaskStatus | "interrupted";

/** As src/base/failure.ts has it, which a browser cannot load. */
export type Failure = {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: Failure;
  readonly errors?: readonly Failure[];
};

/** Tasks by status. */
export type Counts = { readonly [status in SeenStatus]: number };

export type RunBrief = {
  readonly id: number;
  readonly pipeline: string;
  readonly file: string | null;
  /**
   * JSON text, with secrets masked: those of the pipeline, and what is called like one. With `…` at its end, which JSON never has: only
   * the beginning.
   */
  readonly params: string;
  readonly status: RunStatus | "interrupted";
  readonly counts: Counts;
  /** Tasks that are planned, as far as it is known. */
  readonly total: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: Failure | null;
  readonly trigger: string | null;
  /** The slot of its schedule that it is for. */
  readonly scheduledFor: number | null;
  /** The address of its engine. Null: its tasks ran in its own process. */
  readonly engine: string | null;
};

/** `/data/db`: what is shown. */
export type DatabaseView = {
  /** Null: several, and the address names none of them. */
  readonly path: string | null;
  /** Those that can be chosen; none where the page shows one. */
  readonly databases: readonly { readonly id: number; readonly path: string }[];
  /** `pipeloom serve` is behind the page. */
  readonly isServing: boolean;
  readonly version: string;
  readonly isReadOnly: boolean;
};

/** `/data/runs`: newest first. */
export type RunsView = {
  readonly runs: readonly RunBrief[];
  readonly hasMore: boolean;
};

/** `/data/runs/:id` */
export type RunView = {
  readonly run: RunBrief;
};

/** An answer about all tasks of a run. Where it is not complete, the same question soon has a better answer. */
export type OfTasks = {
  /** All tasks are in the answer, as they were at `asOf`. */
  readonly isComplete: boolean;
  readonly asOf: number;
  /** The run changes faster than it is read: of the time since `asOf`, something is missing. */
  readonly isBehind: boolean;
  /** Tasks that are read. */
  readonly indexed: number;
  /** Tasks that are planned, as far as it is known. */
  readonly planned: number | null;
  /** Some tasks are left out: their rows are damaged, or there are more than 8 million. */
  readonly isCut: boolean;
};

/** The tasks of a definition. Null: none has it, or it is not known. */
export type DefinitionSummary = {
  readonly name: string;
  readonly tasks: number;
  readonly counts: Counts;
  /** Of the last attempts of tasks that have ended. */
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
  readonly maxMs: number | null;
  readonly rows: number | null;
  /** Of those tasks whose CPU time was measured. */
  readonly cpuMs: number | null;
  readonly cpuTasks: number;
  readonly medianWaitedMs: number | null;
  readonly maxWaitedMs: number | null;
};

/** `/data/runs/:id/definitions`: in the order of their first tasks. */
export type DefinitionsView = OfTasks & { readonly definitions: readonly DefinitionSummary[] };

export type TaskBrief = {
  readonly id: number;
  readonly name: string;
  readonly definition: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  readonly status: SeenStatus;
  /** Of a task that runs: 0..1 */
  readonly progress: number;
  readonly message: string | null;
  readonly attempt: number;
  readonly worker: number | null;
  /** Where it ran, in a run with an engine. */
  readonly machine: string | null;
  readonly startedAt: number | null;
  /** Of the last attempt. Null: it has not ended. */
  readonly durationMs: number | null;
  readonly waitedMs: number | null;
  readonly rows: number | null;
  readonly cpuMs: number | null;
  /** One line. */
  readonly error: string | null;
};

export const taskSorts = [
  "id",
  "duration",
  "started",
  "waited",
  "rows",
  "cpu",
  "attempts",
] as const;
export type TaskSort = (typeof taskSorts)[number];

/**
 * `/data/runs/:id/tasks`: `?status=error,running&definition=&worker=&machine=&from=&to=&id=&text=&sort=&order=desc&offset=&limit=`, all optional.
 * `definition` may be there several times. `from` and `to` (epoch ms): tasks that ran between them. `worker=none`: it is not known. `machine=`, empty: the run's own. `text`: words that a task has in its name, label, input or error; `#12` is an
 * id. What is not known is last in both orders.
 */
export type TasksView = OfTasks & {
  /** How many there are of those that are asked for. */
  readonly total: number;
  /** The place of the first of `tasks` among them. */
  readonly offset: number;
  /** 200 at most. */
  readonly tasks: readonly TaskBrief[];
  /** How many tasks are searched for `text`. */
  readonly searched: number;
};

/** Part of the axis of a timeline. An idle one is squeezed: nothing ran in it. */
export type TimePiece = {
  readonly from: number;
  readonly to: number;
  /** Where it begins on the axis, and how much of it it takes: 0..1. */
  readonly at: number;
  readonly width: number;
  readonly isIdle: boolean;
};

/** `line`: of the row; tasks that overlap have different ones. The end of a task that runs is the time of the answer. */
export type TimeSpan = readonly [
  id: number,
  started: number,
  ended: number,
  status: SeenStatus,
  line: number,
];

/** By equal parts of the axis: each has as many entries as there are buckets. */
export type TimeBuckets = {
  /** Tasks that ran at once, on average, in hundredths; 1 at least where any did. */
  readonly level: readonly number[];
  /** How many tasks were there, also the shortest. */
  readonly tasks: readonly number[];
  /** Null: none. */
  readonly failed: readonly number[] | null;
  readonly running: readonly number[] | null;
};

export type TimelineRow = {
  /** A worker's number, or a definition. Null: the worker is not known. */
  readonly key: number | string | null;
  /** Of a worker in a run with an engine: where it is. Null: in the run's own process. */
  readonly machine: string | null;
  /** Which of the workers of this machine that have run tasks: 1, 2, 3 … Null: the worker is not known, or the machine is not. */
  readonly thread: number | null;
  /** Those that began in the whole run, or of them those that failed. */
  readonly all: number;
  /** Of the times that are shown. */
  readonly tasks: number;
  readonly failed: number;
  /** How long tasks ran in it, added up. */
  readonly busyMs: number;
  readonly lines: number;
  /** Few tasks: each of them. Many: by buckets. */
  readonly spans: readonly TimeSpan[] | null;
  readonly buckets: TimeBuckets | null;
};

/**
 * `/data/runs/:id/timeline`: `?by=definition&from=&to=&failed=1&squeeze=0`, all optional. The last attempt of each task that has begun.
 */
export type TimelineView = OfTasks & {
  readonly by: "worker" | "definition";
  /** Of the whole run. Equal where nothing has begun. */
  readonly first: number;
  readonly last: number;
  /** What is shown. */
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly TimePiece[];
  readonly tasks: number;
  readonly failed: number;
  readonly rows: readonly TimelineRow[];
  /** Further rows that are not shown. */
  readonly moreRows: number;
};

/** One message of `/events`: something was committed since the last one, and these runs have changed. */
export type Change = {
  readonly at: number;
  readonly runs: readonly RunBrief[];
};

/** The body of each answer that is not 200. */
export type Problem = { readonly problem: string; readonly next?: string };

/** `/data/runs/:id/graph`: the task definitions, placed. Pixels. */
export type DrawnGraph = {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
  /** Many boxes: they are small. */
  readonly isDense: boolean;
  /** There are more than are drawn. */
  readonly isCut: boolean;
};

export type DrawnNode = {
  /** The definition's name; of a fan-out `each:…`. */
  readonly id: string;
  readonly kind: "task" | "each";
  /** Tasks, or items of all fan-outs. */
  readonly planned: number;
  readonly fanOuts: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

export type DrawnEdge = {
  readonly from: string;
  readonly to: string;
  /** See src/protocol/run-graph.ts. */
  readonly kind: "input" | "after" | "item" | "result";
  /** Between how many tasks. */
  readonly count: number;
  readonly points: readonly (readonly [x: number, y: number])[];
};

/** JSON text as it is stored, or only its beginning. */
export type StoredText = { readonly text: string; readonly isCut: boolean };

export type AttemptView = {
  readonly attempt: number;
  readonly worker: number | null;
  readonly machine: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** `error`, `interrupted`, `cancelled`, `done`. */
  readonly outcome: string;
  readonly error: Failure | null;
};

/** A task that another needs. */
export type NeededTask = {
  readonly id: number;
  readonly name: string;
  readonly label: string | null;
  readonly status: TaskStatus;
};

/** `/data/runs/:id/tasks/:task` */
export type TaskView = {
  readonly task: TaskBrief;
  readonly error: Failure | null;
  /** `backfill.ts:22:85`: where in the user's file. */
  readonly place: string | null;
  /** Null: there is none, or it is not stored. */
  readonly input: StoredText | null;
  readonly result: StoredText | null;
  /** Those before the last, oldest first, the last 20 at most. */
  readonly attempts: readonly AttemptView[];
  /** Why it ran, or was not run; null where there is nothing to say. */
  readonly reason: string | null;
  /** Tasks that failed: this one was skipped, or waits, because of them. */
  readonly culprits: readonly NeededTask[];
  readonly needs: readonly NeededTask[];
  /** Tasks that are needed and are not in `needs`. */
  readonly moreNeeds: number;
};

/** Tasks that failed with one message, or with messages that differ only in numbers. */
export type FailureGroup = {
  readonly message: string;
  readonly place: string | null;
  readonly count: number;
  /** Of the first task. */
  readonly failure: Failure;
  /** The first three. */
  readonly tasks: readonly (NeededTask & { readonly attempt: number })[];
  /** The last lines of the first task. */
  readonly logs: readonly LogLine[];
};

/** `/data/runs/:id/failures`: the 100 largest groups, the largest first. */
export type FailuresView = Pick<OfTasks, "isComplete" | "isBehind"> & {
  readonly groups: readonly FailureGroup[];
};

export type LogLine = {
  /** Its place in the file: later lines have larger ones. */
  readonly row: number;
  readonly id: number;
  readonly task: string;
  readonly label: string | null;
  readonly attempt: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly line: string;
};

/** `/data/runs/:id/logs?task=<id>&level=info&text=&before=<row>&after=<row>`: the 200 last before `before`, or first after `after`. */
export type LogsView = {
  /** Another text: the database was replaced, and its rows are not those of earlier answers. */
  readonly file: string;
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  /** Ask `before` this for earlier lines; null: there are none. */
  readonly before: number | null;
  /** Ask `after` this for later lines. */
  readonly after: number;
  /** The search was ended in between: there may be more lines that fit. */
  readonly isPartial: boolean;
};
