// What the writer is asked to open: the database, and the run that begins or is continued in it.

import type { RunId } from "./ids.ts";
import type { RerunRequest } from "./reruns.ts";

export type Durability = "full" | "normal";

export type WriterOptions = {
  /** A path, or `:memory:`. */
  readonly db: string;
  readonly wal: boolean;
  readonly durability: Durability;
  readonly storeTaskStatus: boolean;
};

/** Which runs of a pipeline stay in the database: an older one is deleted at the end of a run. Null: no limit. */
export type KeepRule = { readonly runs: number | null; readonly ageMs: number | null };

/**
 * Who began a session of a run: a person at a command line or in the page, `serve` at a time of its schedule, a backfill, or a
 * program.
 */
export type Trigger = "cli" | "page" | "schedule" | "backfill" | "library";

/** `RunRequest.engine` of a run whose tasks run in threads of its own process. */
export const threadsEngine = "threads";

export type RunRequest = {
  readonly pipeline: string;
  readonly trigger: Trigger;
  /** Pipeloom's, that runs it. */
  readonly version: string;
  readonly file: string | null;
  /** JSON text, masked: stored in the run's row. */
  readonly params: string;
  /** `canonicalJson` of the params, secrets included. It tells runs apart; only a keyed hash of it is stored. */
  readonly canonicalParams: string;
  /** SHA-256 of the pipeline's own files; null when it is not known. */
  readonly code: string | null;
  /** The names of the definitions, as in task keys. */
  readonly tasks: readonly string[];
  readonly reruns: RerunRequest;
  /** The definitions whose results later runs may take: by name, how old they may be, in ms. Null: of any age. */
  readonly reuses: readonly (readonly [task: string, maxAgeMs: number | null])[];
  /**
   * `auto`: continue the newest dead run of the same pipeline and params, else start a new run; refused while such a run
   * is alive. `fresh`: start a new run. `last`: continue the newest run that is not done. `newest`: continue the newest
   * run, done or not. An id: continue that run.
   */
  readonly resume: "auto" | "fresh" | "last" | "newest" | RunId;
  /** The slot of the schedule that the run is for, ISO 8601 UTC: its run is continued, or begun. Null: none. */
  readonly scheduledFor: string | null;
  /** True: it is refused while another run of the pipeline is alive, whoever began that. */
  readonly isAlone: boolean;
  /** True: where the request would be refused because a run is alive, wait until that run has ended, then decide. */
  readonly wait: boolean;
  readonly schema: string | null;
  /** Null: everything stays. */
  readonly keep: KeepRule | null;
  /** Names of environment variables whose values are masked in the text that the writer writes. */
  readonly secrets: readonly string[];
  readonly workers: number;
  readonly concurrency: number;
  /** Where tasks run: `threadsEngine`, or the address of an engine, without user and password. */
  readonly engine: string;
};

/** An interrupted run that a new run of its pipeline does not continue. `params`: their beginning; null where their texts are the same. */
export type PassedOver = { readonly run: RunId; readonly params: string | null };
