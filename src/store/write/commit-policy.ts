// When to commit. Pure. A large group makes fsync cheap, and a long wait makes everyone slow. So a few records are committed
// at once, and only a stream of records is collected.

export type CommitLimits = {
  /** A transaction with this many records is committed, even if more are waiting. */
  readonly maxRecords: number;
  /** Maximum age of a transaction whose commit is awaited. */
  readonly maxAgeMs: number;
  /** This many records in a transaction are a stream: more will follow, so it is held for `maxAgeMs`. */
  readonly streamRecords: number;
  /** Maximum age if nobody waits (starts, progress, log lines, ends of tasks while every slot is busy). */
  readonly idleAgeMs: number;
};

export const commitLimits: CommitLimits = {
  maxRecords: 5000,
  maxAgeMs: 5,
  streamRecords: 512,
  idleAgeMs: 25,
};

type TransactionState = {
  readonly records: number;
  readonly ageMs: number;
  readonly inboxEmpty: boolean;
  /** Somebody waits for the commit: see `GroupCommit.isAwaited`. */
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
