// What the server tells the page: JSON, below /data/. Types and pure functions only, because the browser has them too. Times are
// epoch ms, durations ms.

import type { RunStatus, TaskStatus } from "../protocol/status.ts";

export type SeenStatus = TaskStatus | "interrupted";

/** As src/base/failure.ts has it, which a browser cannot load. */
type Failure = {
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
  /** JSON text, with secrets masked. */
  readonly params: string;
  readonly status: RunStatus | "interrupted";
  readonly counts: Counts;
  /** Tasks that are planned, as far as it is known. */
  readonly total: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: Failure | null;
  readonly trigger: string | null;
};

/** `/data/db`: what never changes while the server runs. */
export type DatabaseView = {
  readonly path: string;
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

/** One message of `/events`: the runs that have changed since the last. */
export type Change = {
  readonly at: number;
  readonly runs: readonly RunBrief[];
};

/** The body of each answer that is not 200. */
export type Problem = { readonly problem: string; readonly next?: string };
