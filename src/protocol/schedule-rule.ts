// When a pipeline is to run, as `schedule` says it: checked by src/api/schedule-options.ts, read by src/serve. Plain data.

/** The slot that a run is for. Times are ISO 8601 UTC. */
export type RunSlot = {
  readonly scheduledFor: string;
  /** The last slot before it whose run was done when this one began; null: there was none. */
  readonly previous: string | null;
};

/** What becomes of slots that were missed. */
export const catchUps = ["latest", "all", "none"] as const;
export type CatchUp = (typeof catchUps)[number];

/** Of the process that serve has started for a slot, where another run goes on that `overlap` keeps it apart from: nothing was written. */
export const overlapExitCode = 75;

/** What becomes of a slot while an earlier run of the pipeline goes on. */
export const overlaps = ["skip", "queue", "cancel", "allow"] as const;
export type Overlap = (typeof overlaps)[number];

export type ScheduleRule = {
  readonly when:
    | { readonly kind: "cron"; readonly cron: string }
    | { readonly kind: "every"; readonly everyMs: number };
  /** IANA name. Null: the time zone of the system. */
  readonly tz: string | null;
  /** A run begins up to this long after its slot. */
  readonly jitterMs: number;
  readonly catchUp: CatchUp;
  /** An older slot is not caught up, nor continued. */
  readonly windowMs: number;
  readonly overlap: Overlap;
  /** A slot that has not begun so long after its start is late. */
  readonly startWithinMs: number;
  /** Failed slots in a row that pause the schedule. Null: none do. */
  readonly pauseAfter: number | null;
};
