// Ends of runs that no serve has told: a run goes on when its serve is killed, and may end while none is there, or under the next one.

import type { ScheduleHistory, SlotRun } from "../protocol/served-schedule.ts";
import { never } from "./decide-slot.ts";
import type { ServedEntry } from "./served-entry.ts";
import { failuresInRow, hasFailedSince } from "./slot-outcome.ts";
import type { Told } from "./told.ts";

/** Two may serve one folder: the one that has started the run tells its end within this time. */
const ownTellMs = 1_000;

type Ended = SlotRun & { readonly slot: number; readonly finishedAt: number };

/**
 * Tells the end of the newest slot that has one, where what was told last contradicts it.
 * @returns when to look again
 */
export function tellFoundEnd(
  told: Pick<Told, "failed" | "recovered" | "pause">,
  entry: ServedEntry,
  history: ScheduleHistory,
  now: number,
): number {
  const run = history.slots.filter(isEnded).find(isForeign(entry));
  if (run?.trigger !== "schedule" || entry.paused !== null) return never;
  const isFailure = run.status === "error" && !isFailureTold(entry);
  if (!isFailure && !isRecovery(entry, history, run, now)) return never;
  const agoMs = now - run.finishedAt;
  if (agoMs >= 0 && agoMs < ownTellMs) return run.finishedAt + ownTellMs;
  if (isFailure) {
    told.failed(entry, run.slot, failureOf(entry, run), false);
    pauseIfNeeded(told, entry, history);
  } else {
    told.recovered(entry, run.slot, run.run);
  }
  return never;
}

/** Pauses a schedule after so many failed slots. */
export function pauseIfNeeded(
  told: Pick<Told, "pause">,
  entry: ServedEntry,
  history: ScheduleHistory | undefined,
): void {
  const most = entry.scheduled?.rule.pauseAfter ?? null;
  if (most === null || entry.paused !== null) return;
  const failures = failuresInRow(history?.slots ?? [], entry.since, entry);
  if (failures >= most) told.pause(entry, failures);
}

const isEnded = (run: ScheduleHistory["slots"][number]): run is Ended =>
  (run.status === "done" || run.status === "error") && run.finishedAt !== null;

/** Those of its own processes are judged when these end. */
const isForeign =
  ({ since, processes }: ServedEntry) =>
  ({ slot }: Ended): boolean =>
    slot > since && !processes.has(slot);

/** After a failure no graver trouble is told but the pause, see `Told`. */
const isFailureTold = ({ trouble }: ServedEntry): boolean =>
  trouble?.kind === "failed" || trouble?.kind === "paused";

function isRecovery(
  entry: ServedEntry,
  { slots }: ScheduleHistory,
  { slot, status, finishedAt }: Ended,
  now: number,
): boolean {
  const { trouble, since } = entry;
  if (trouble === null || status !== "done" || slot < (trouble.slot ?? since)) return false;
  // With `overlap: "allow"`, a later slot may be done before the earlier one fails.
  const troubled = slots.find((run) => run.slot === trouble.slot);
  if ((troubled?.finishedAt ?? 0) > finishedAt) return false;
  return !entry.isLateStill(slot, now) && !hasFailedSince(slots, entry, slot);
}

const failureOf = (entry: ServedEntry, { slot, run, startedAt, finishedAt }: Ended) =>
  ({
    kind: "ended",
    slot,
    run,
    outcome: "error",
    why: "on time",
    delayMs: Math.max(0, startedAt - entry.startOf(slot)),
    durationMs: finishedAt - startedAt,
    // Its process has said it to a serve that is gone.
    error: null,
    again: null,
    isStopped: false,
  }) as const;
