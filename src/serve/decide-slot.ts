// What serve does now for one pipeline: which slot it starts, continues, leaves out or waits with, and when it looks again. Pure: all
// that it knows comes from the database, from the clock, and from the processes that serve has started.

import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { ScheduleHistory, SlotRun } from "../protocol/served-schedule.ts";
import { dueSlots, onOverlap, type Span } from "./due-slots.ts";
import { lastSlot, slotAfter, slotsBetween, startOf } from "./schedule-slots.ts";

/** A slot that was started and has not come to its end: no run began, or it was interrupted. */
export type Try = {
  /** 0: another run was first. */
  readonly count: number;
  /** When it is tried again. Infinity: no more. */
  readonly notBefore: number;
};

/** Both included. */
export type TimeSpan = { readonly from: number; readonly until: number };

export const isIn = ({ from, until }: TimeSpan, at: number): boolean => at >= from && at <= until;

export type Situation = {
  readonly now: number;
  readonly rule: ScheduleRule;
  /** Of the jitter. */
  readonly seed: string;
  readonly history: Pick<ScheduleHistory, "slots" | "others">;
  /** Slots up to it never run. */
  readonly since: number;
  /** Slots whose runs an earlier serve has cancelled at its end. */
  readonly stopped: readonly number[];
  /** What this serve has started and has not ended. */
  readonly processes: readonly {
    readonly slot: number;
    readonly hasBegun: boolean;
    readonly startedAt: number;
  }[];
  readonly tries: ReadonlyMap<number, Try>;
  /** Slots up to it were left out by an earlier decision. */
  readonly passed: number;
  /** The slot in `waiting` of the decision before: it is not skipped, nor too late, because of what it has waited for. */
  readonly held: number | null;
  /** When the file was loaded: a slot whose start was then is on time, however long that took. */
  readonly loaded: TimeSpan;
};

type LeftOut = {
  readonly kind: "skipped" | "missed";
  /** The last one. */
  readonly slot: number;
  /** The first one. */
  readonly first: number;
  /** How many; at most `maxCounted`. */
  readonly count: number;
};

export type Decision = {
  readonly start: { readonly slot: number; readonly isContinued: boolean } | null;
  /** Runs to end, so that the slot in `waiting` can start. */
  readonly cancel: readonly SlotRun[];
  readonly waiting: { readonly slot: number; readonly why: string } | null;
  readonly leftOut: readonly LeftOut[];
  /** A slot that has not begun within `startWithin`. */
  readonly late: number | null;
  /** When to decide again, if nothing happens before. */
  readonly again: number;
};

/** Of a decision, or a try, that does not come. */
export const never = Number.POSITIVE_INFINITY;
/** Runs that serve has not started end unnoticed: it looks again, less often at one that goes on for long. */
const soonestLookMs = 1_000;
const latestLookMs = 30_000;
const lookPart = 0.02;
/** Of slots that were missed. */
export const maxCounted = 1_000;

export function decide(situation: Situation): Decision {
  const { now, rule } = situation;
  const start = startIn(situation);
  const loading = situation.processes.find(({ hasBegun }) => !hasBegun);
  const chosen =
    loading === undefined
      ? choose(situation)
      : { ...nothing, waiting: { slot: loading.slot, why: "its process is starting" } };
  const awaited = awaitedSlots(chosen).map((slot) => ({
    slot,
    deadline: start(slot) + rule.startWithinMs,
  }));
  const late = awaited.find(({ deadline }) => deadline <= now)?.slot ?? null;
  const deadlines = awaited.map(({ deadline }) => deadline).filter((at) => at > now);
  // The end of a run that serve has not started may let a slot begin, and it may be news.
  const looks = [nextStart(situation), lookFor(situation), ...deadlines];
  return { ...chosen, late, again: Math.min(chosen.again, ...looks) };
}

type Choice = Omit<Decision, "late">;

const nothing: Choice = { start: null, cancel: [], waiting: null, leftOut: [], again: never };

/** Those that should have begun by now. A slot that begins now may come hours after its time. */
function awaitedSlots({ waiting, start, leftOut }: Choice): number[] {
  const missed = leftOut.filter(({ kind }) => kind === "missed").map(({ first }) => first);
  const due = start === null || start.isContinued ? [] : [start.slot];
  return [...missed, ...due, ...(waiting === null ? [] : [waiting.slot])];
}

const startIn =
  ({ rule, seed }: Pick<Situation, "rule" | "seed">) =>
  (slot: number): number =>
    startOf(rule, slot, seed);

/** The first start after now. */
function nextStart(situation: Situation): number {
  const { now, rule } = situation;
  const start = startIn(situation);
  const begun = lastSlot(rule, now - rule.jitterMs - 1, now);
  if (begun !== null && start(begun) > now) return start(begun);
  const next = slotAfter(rule, now);
  return next === null ? never : start(next);
}

function choose(situation: Situation): Choice {
  const due = chooseDue(situation);
  const unfinished = unfinishedIn(situation, due);
  const retries = unfinished.map(({ slot }) => notBefore(situation, slot));
  const again = Math.min(due.again, ...retries.filter((at) => at > situation.now));
  const slot = unfinished.findLast((run) => notBefore(situation, run.slot) <= situation.now)?.slot;
  if (slot === undefined) return { ...due, again };
  // What was left out stays left out, whichever comes first.
  const { leftOut } = due;
  if (situation.rule.overlap !== "allow" && liveRuns(situation).length > 0) {
    return { ...nothing, leftOut, waiting: waitsForRun(slot), again };
  }
  return { ...nothing, leftOut, start: { slot, isContinued: true }, again };
}

const notBefore = ({ tries }: Situation, slot: number): number => tries.get(slot)?.notBefore ?? 0;

// ── slots that have begun ──────────────────────────────────────────────────────────────────────────────

/** The runs that were interrupted, or that a serve has stopped, newest first. */
function unfinishedIn(situation: Situation, due: Choice): readonly { readonly slot: number }[] {
  const { now, rule, history, stopped, processes } = situation;
  const own = new Set(processes.map(({ slot }) => slot));
  const [newest] = history.slots;
  const isReplaced = (slot: number): boolean =>
    rule.overlap === "cancel" &&
    (slot !== newest?.slot || due.start !== null || due.waiting !== null);
  return history.slots.filter(
    (run) =>
      isUnfinished(run, stopped) &&
      !own.has(run.slot) &&
      run.slot >= now - rule.windowMs &&
      !isReplaced(run.slot),
  );
}

/** Who has gone on by hand with a run that a serve has stopped, and cancels it, means it. */
const isUnfinished = (run: SlotRun, stopped: readonly number[]): boolean =>
  run.status === "interrupted" ||
  (run.status === "cancelled" && isScheduled(run) && stopped.includes(run.slot ?? Number.NaN));

// ── slots that have not begun ──────────────────────────────────────────────────────────────────────────

function chooseDue(situation: Situation): Choice {
  const last = lastTaken(situation);
  const waits = waitingSlot(situation);
  if (waits === null) return chooseAfter(situation, last, []);
  const skipped = skippedAfter(situation, Math.max(waits, last));
  const chosen = skipped === null ? "skipped" : chooseSlot(situation, waits);
  if (skipped !== null && chosen !== "skipped") return { ...chosen, leftOut: skipped };
  // It gives way to a later one.
  return chooseAfter(
    situation,
    last,
    waits > last ? [] : [{ kind: "missed", slot: waits, first: waits, count: 1 }],
  );
}

/** The slot that has waited, where later ones may have been skipped meanwhile. With `all`, they wait behind it. */
function waitingSlot({ now, rule, since, held, history }: Situation): number | null {
  if (rule.overlap !== "skip" || rule.catchUp === "all" || held === null) return null;
  const [newest] = history.slots;
  const after = Math.max(since, newest?.slot ?? since, now - rule.windowMs - 1);
  return held > after && held <= now ? held : null;
}

/** Null: one of the due slots is not skipped. */
function skippedAfter(situation: Situation, last: number): LeftOut[] | null {
  const { now, rule } = situation;
  const start = startIn(situation);
  const leftOut: LeftOut[] = [];
  let before = last;
  for (const slot of dueSlots(rule, { ...rule, last, now }, start)) {
    if (onOverlap("skip", start(slot), spansOf(situation)) !== "skip") return null;
    leftOut.push(...missedBetween(rule, before, slot - 1), {
      kind: "skipped",
      slot,
      first: slot,
      count: 1,
    });
    before = slot;
  }
  return leftOut;
}

/** Of the slots after the last one that was taken. */
function chooseAfter(situation: Situation, last: number, passed: readonly LeftOut[]): Choice {
  const { now, rule } = situation;
  const catchUp = rule.catchUp === "none" && hasWaited(situation, last) ? "latest" : rule.catchUp;
  const leftOut = [...passed];
  let before = last;
  for (const slot of dueSlots(rule, { ...rule, last, now, catchUp }, startIn(situation))) {
    leftOut.push(...missedBetween(rule, before, slot - 1));
    before = slot;
    const chosen = chooseSlot(situation, slot);
    if (chosen !== "skipped") return { ...chosen, leftOut };
    leftOut.push({ kind: "skipped", slot, first: slot, count: 1 });
  }
  leftOut.push(...missedBetween(rule, before, lastStarted(situation)));
  return { ...nothing, leftOut };
}

function chooseSlot(situation: Situation, slot: number): Choice | "skipped" {
  const { now, rule, held, seed } = situation;
  const retry = notBefore(situation, slot);
  if (retry > now) return { ...nothing, waiting: triedAgain(situation, slot), again: retry };
  const overlap = rule.overlap === "skip" && slot === held ? "queue" : rule.overlap;
  switch (onOverlap(overlap, startOf(rule, slot, seed), spansOf(situation))) {
    case "start":
      return { ...nothing, start: { slot, isContinued: false } };
    case "wait":
      return { ...nothing, waiting: waitsForRun(slot) };
    case "cancel": {
      const cancel = liveRuns(situation).filter(isScheduled);
      return { ...nothing, cancel, waiting: waitsForRun(slot), again: now + soonestLookMs };
    }
    case "skip":
      return "skipped";
  }
}

/** Of the slots after the last one that was taken, one has waited for something else than to be served. */
function hasWaited(situation: Situation, last: number): boolean {
  const { rule, held, loaded, now } = situation;
  if (held !== null && held > last) return true;
  const slot = lastSlot(rule, last, now);
  if (slot === null) return false;
  return isIn(loaded, startOf(rule, slot, situation.seed));
}

const waitsForRun = (slot: number): { slot: number; why: string } => ({
  slot,
  why: "an earlier run goes on",
});

const triedAgain = ({ tries }: Situation, slot: number): { slot: number; why: string } =>
  tries.get(slot)?.count === 0 ? waitsForRun(slot) : { slot, why: whyTriedAgain };

export const whyTriedAgain = "it could not be started, and is tried again";

/** A slot that was started and has no row is not taken: it is due again. */
function lastTaken({ now, since, passed, history }: Situation): number {
  const [newest] = history.slots;
  return Math.max(...[Math.min(since, now), passed, newest?.slot ?? 0].filter((at) => at <= now));
}

/** Slots up to it have started. */
function lastStarted(situation: Situation): number {
  const { now, rule } = situation;
  const start = startIn(situation);
  const slot = lastSlot(rule, now - rule.jitterMs - 1, now);
  return slot !== null && start(slot) > now ? slot - 1 : now;
}

function missedBetween(rule: ScheduleRule, after: number, until: number): LeftOut[] {
  const [first, ...more] = slotsBetween(rule, after, until).take(maxCounted);
  if (first === undefined) return [];
  const slot = lastSlot(rule, first, until) ?? first;
  return [{ kind: "missed", slot, first, count: more.length + 1 }];
}

// ── runs ───────────────────────────────────────────────────────────────────────────────────────────────

const liveRuns = ({ history }: Situation): readonly SlotRun[] =>
  [...history.slots, ...history.others].filter(({ status }) => status === "running");

/** Serve hears of the end of its own processes. */
function lookFor(situation: Situation): number {
  const { now, processes } = situation;
  const own = new Set(processes.map(({ slot }) => slot));
  const foreign = liveRuns(situation).filter(({ slot }) => slot === null || !own.has(slot));
  const [youngest] = foreign.map(({ startedAt }) => now - startedAt).toSorted((a, b) => a - b);
  if (youngest === undefined) return never;
  return now + Math.min(latestLookMs, Math.max(soonestLookMs, youngest * lookPart));
}

/** By a serve. A person may run a slot too, such as one that has failed, or go on with its run. */
const isScheduled = ({ trigger }: SlotRun): boolean => trigger === "schedule";

/**
 * When an interrupted run ended is not known, nor that of one with an end to come, when the clock was wrong: it takes no slot away. Nor
 * does a run that is continued, before its process.
 */
function spansOf({ history, processes, now }: Situation): Span[] {
  const startedAt = new Map(processes.map((each) => [each.slot, each.startedAt]));
  return [...history.slots, ...history.others].map((run) => ({
    startedAt: Math.max(run.startedAt, startedAt.get(run.slot ?? Number.NaN) ?? 0),
    finishedAt: isEndKnown(run, now) ? run.finishedAt : run.startedAt,
    isScheduled: isScheduled(run),
  }));
}

const isEndKnown = ({ status, finishedAt }: SlotRun, now: number): boolean =>
  status !== "interrupted" && (finishedAt === null || finishedAt <= now);
