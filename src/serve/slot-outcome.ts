// What the end of a slot's process means, what earlier slots say of it, and when it is tried again. Pure.

import { exactDuration } from "../base/format-duration.ts";
import type { ScheduleHistory, SlotRun } from "../protocol/served-schedule.ts";
import type { Try } from "./decide-slot.ts";
import type { SlotOutcome } from "./slot-counters.ts";

type Slots = readonly SlotRun[];

type Ended = {
  readonly pid: number;
  /** The slot's row before the process was started, and now. */
  readonly before: SlotRun | undefined;
  readonly now: SlotRun | undefined;
  /** Serve has asked the process to end, because it ends itself. */
  readonly isStopped: boolean;
  /** Serve has seen that the run had begun. */
  readonly hasBegun: boolean;
  readonly code: number | null;
};

/** `taken`: another process runs the slot, or has. `lost`: its run had begun, and the database was deleted or replaced. */
export function outcomeOf(ended: Ended): SlotOutcome | "taken" | "lost" {
  const { pid, before, now, isStopped, hasBegun, code } = ended;
  if (now === undefined) {
    if (!hasBegun && before === undefined) return "not-started";
    // A run that is done may be pruned at its end (`keep`).
    return code === 0 ? "done" : "lost";
  }
  if (now.pid !== pid) {
    const isAsBefore = now.pid === before?.pid && now.status === before?.status;
    return isAsBefore ? "not-started" : "taken";
  }
  // Its process has ended, and the file cannot say so yet.
  if (now.status === "running") return "interrupted";
  return now.status === "cancelled" && isStopped ? "interrupted" : now.status;
}

/** A run that was interrupted too often is one that failed. */
export const isFailed = (outcome: SlotOutcome, notBefore: number | undefined): boolean =>
  outcome === "error" ||
  outcome === "not-started" ||
  (outcome === "interrupted" && notBefore === Number.POSITIVE_INFINITY);

/** Processes of one slot that may be interrupted: a run that ends its process each time would do so for ever. */
const maxInterrupted = 3;
const backoffMs = [10_000, 60_000, 300_000, 900_000];

/** Undefined: the slot has come to its end. */
export function tryAfter(
  outcome: SlotOutcome | "lost",
  earlier: Try | undefined,
  now: number,
): Try | undefined {
  if (!["not-started", "interrupted", "lost"].includes(outcome)) return undefined;
  const count = (earlier?.count ?? 0) + 1;
  if (outcome === "interrupted" && count >= maxInterrupted) {
    return { count, notBefore: Number.POSITIVE_INFINITY };
  }
  const pauseMs = backoffMs[Math.min(count, backoffMs.length) - 1] ?? 0;
  return { count, notBefore: now + pauseMs };
}

/** A new database begins with the next slot. In one that was put into the place of another, a later slot may have run. */
export const isDueStill = ({ row, slots }: ScheduleHistory, slot: number): boolean =>
  row !== null && row.since < slot && slots.every((run) => run.slot <= slot);

/**
 * Failed slots in a row, up to the last one.
 * @param slots newest first
 * @param since of a resume: earlier failures do not count
 * @param tries slots for which no run began, or whose run was interrupted; and those of them that are not tried again
 */
export function failuresInRow(slots: Slots, since: number, tries: FailedTries): number {
  const { failedTries, givenUp } = tries;
  const after = slots.filter(({ slot }) => slot !== null && slot > since);
  // A run that was interrupted goes on, until it is given up.
  const ended = after.filter(
    ({ slot, status }) =>
      status !== "running" && (status !== "interrupted" || givenUp.includes(slot ?? since)),
  );
  const good = ended.findIndex(({ status }) => status !== "error" && status !== "interrupted");
  const failed = good === -1 ? ended : ended.slice(0, good);
  const lastSlot = after[0]?.slot ?? since;
  const without = failedTries.filter((slot) => slot > lastSlot);
  return failed.length + without.length;
}

type FailedTries = { readonly failedTries: readonly number[]; readonly givenUp: readonly number[] };

/** A later slot has: the run of this one took long beside it, or was continued after it. */
export const hasFailedSince = (
  slots: ScheduleHistory["slots"],
  { failedTries }: Pick<FailedTries, "failedTries">,
  slot: number,
): boolean =>
  failedTries.some((each) => each > slot) ||
  slots.some((run) => run.slot > slot && run.status === "error");

export const isInterrupted = (slots: Slots, slot: number): boolean =>
  slots.some((run) => run.slot === slot && run.status === "interrupted");

/** A process that loads its file for longer waits for something: it keeps no other from starting. */
const slowLoadMs = 30_000;
/** Nothing else would end it, and its pipeline would never run again. */
const longestLoadMs = 300_000;

type Loading = {
  readonly run: number | null;
  readonly loadMs: number;
  /** Its file was loaded since by another process, so that what this one waits for may be mended. */
  readonly isOutdated: boolean;
};

export const isStarting = ({ run, loadMs }: Loading): boolean =>
  run === null && loadMs < slowLoadMs;

/** What is said of it then. */
export function hangs({ run, loadMs, isOutdated }: Loading): string | undefined {
  const mostMs = isOutdated ? slowLoadMs : longestLoadMs;
  if (run !== null || loadMs < mostMs) return undefined;
  return `its file was not loaded within ${exactDuration(mostMs)}; does it await something at its top level?`;
}

const minKnown = 5;
/** A run is slow when it takes so many times as long as nearly all of its last ones, and not just some seconds. */
const slowFactor = 2;
const slowMs = 10_000;

/** How long nearly all done runs took (p95); undefined where too few are known. */
export function usualMs(slots: Slots): number | undefined {
  const took = slots
    .filter(({ status }) => status === "done")
    .map(({ startedAt, finishedAt }) => (finishedAt ?? startedAt) - startedAt)
    .toSorted((a, b) => a - b);
  return took.length < minKnown ? undefined : took[Math.ceil(took.length * 0.95) - 1];
}

export const slowAfterMs = (usual: number): number => usual * slowFactor + slowMs;
