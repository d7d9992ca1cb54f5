// How long the tasks of a definition take: what a session reports at its end, and what later ones learn from it. Only tasks that
// ended done count. A definition is named as in task keys.

import type { Counts } from "../base/histogram.ts";

/** Of one definition, in one session. */
type Durations = {
  readonly task: string;
  readonly tasks: number;
  /** Their durations, added up. */
  readonly totalMs: number;
  /** See Histogram. */
  readonly counts: Counts;
};

export type SessionDurations = {
  readonly definitions: readonly Durations[];
  /** By how much the session took longer than its tasks explain (protocol/forecast.ts); null where it was stopped. */
  readonly stretch: number | null;
};

/** Of one definition, in the last runs of the pipeline. */
export type LearnedTask = {
  readonly task: string;
  /** In how many runs. */
  readonly runs: number;
  readonly tasks: number;
  /** Recent runs weigh more. */
  readonly meanMs: number;
  /** 95 of 100 tasks take no longer. */
  readonly p95Ms: number;
  /** See Histogram. */
  readonly counts: Counts;
};

export type Learned = {
  readonly definitions: readonly LearnedTask[];
  /** See `SessionDurations`; 1 where it is not known. */
  readonly stretch: number;
};
