// When to commit. Pure. Grouping makes fsync cheap; waiting makes everyone slow: so a little work is committed at once,
// and only a stream of it is gathered.

export type CommitLimits = {
  /** A transaction of this many records is committed whatever else waits. */
  readonly maxRecords: number;
  /** A transaction is committed when it is this old. */
  readonly maxAgeMs: number;
  /** At least this many records in the transaction mean that more are on their way: it is held for `maxAgeMs`. */
  readonly streamRecords: number;
  /** What nobody waits for (a start, progress, a line of a log, an end while every slot is busy) is held for this long. */
  readonly idleAgeMs: number;
};

export const commitLimits: CommitLimits = {
  maxRecords: 5000,
  maxAgeMs: 5,
  streamRecords: 512,
  idleAgeMs: 25,
};

export type TransactionState = {
  readonly records: number;
  readonly ageMs: number;
  readonly inboxEmpty: boolean;
  /** Somebody waits for the commit; the writer knows who (see `#isAwaited` there). */
  readonly awaited: boolean;
};

export type CommitDecision = "take-more" | "commit" | "wait";

export function decide(
  state: TransactionState,
  limits: CommitLimits = commitLimits,
): CommitDecision {
  if (state.records >= limits.maxRecords) return "commit";
  if (state.ageMs >= (state.awaited ? limits.maxAgeMs : limits.idleAgeMs)) return "commit";
  if (!state.inboxEmpty) return "take-more";
  if (!state.awaited && state.records > 0) return "wait";
  return state.records >= limits.streamRecords ? "wait" : "commit";
}
