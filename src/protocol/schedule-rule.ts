// When a pipeline is to run, as `schedule` says it: checked by src/api/schedule-options.ts, read by src/serve. Plain data.

/** The slot that a run is for. Times are ISO 8601 UTC. */
export type RunSlot = {
  readonly scheduledFor: string;
  /** The last slot before it whose run was done when this one began; null: there was none. */
  readonly previous: string | null;
};

export type ScheduleRule = {
  readonly when:
    | { readonly kind: "cron"; readonly cron: string }
    | { readonly kind: "every"; readonly everyMs: number };
  /** IANA name. Null: the time zone of the system. */
  readonly tz: string | null;
  /** A run begins up to this long after its slot. */
  readonly jitterMs: number;
};
