// When to commit. Pure. Grouping makes fsync cheap; waiting makes everyone slow: so a little work is committed at once,
// and only a stream of it is gathered.

export type BatchLimits = {
  /** A transaction of this many records is committed whatever else waits. */
  readonly maxRecords: number;
  /** A transaction is committed when it is this old. */
  readonly maxAgeMs: number;
  /** At least this many records in the transaction mean that more are on their way: it is held for `maxAgeMs`. */
  readonly streamRecords: number;
};

export const batchLimits: BatchLimits = { maxRecords: 5000, maxAgeMs: 5, streamRecords: 512 };

export type BatchState = {
  readonly records: number;
  readonly ageMs: number;
  readonly inboxEmpty: boolean;
};

export type BatchDecision = "take-more" | "commit" | "wait";

export function decide(state: BatchState, limits: BatchLimits = batchLimits): BatchDecision {
  if (state.records >= limits.maxRecords || state.ageMs >= limits.maxAgeMs) return "commit";
  if (!state.inboxEmpty) return "take-more";
  return state.records >= limits.streamRecords ? "wait" : "commit";
}
