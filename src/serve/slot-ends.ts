// The processes that serve has started: when their runs begin, how they end, and what follows from it. The database says it: a process
// that was started for a slot that another one has is no failure, and one that ends without a row has run nothing.

import type { Clock, Timer } from "../base/clock.ts";
import { Promise } from "../base/globals.ts";
import { pause } from "../base/pause.ts";
import { reasonOf } from "../base/system-error.ts";
import { overlapExitCode } from "../protocol/schedule-rule.ts";
import { noHistory, type ScheduleHistory, type SlotRun } from "../protocol/served-schedule.ts";
import type { ScheduleStore } from "./schedule-store.ts";
import { never, type Try } from "./decide-slot.ts";
import { pauseIfNeeded } from "./found-ends.ts";
import type { OwnProcess, ServedEntry } from "./served-entry.ts";
import {
  hangs,
  hasFailedSince,
  isDueStill,
  isFailed,
  isInterrupted,
  outcomeOf,
  slowAfterMs,
  tryAfter,
  usualMs,
} from "./slot-outcome.ts";
import type { SlotOutcome } from "./slot-counters.ts";
import { type ProcessEnd, saidIn } from "./slot-process.ts";
import type { Told } from "./told.ts";

/** How often the database is asked whether a run has begun: less often the longer it takes. */
const shortestLookMs = 40;
const longestLookMs = 2_000;
const stopRetryMs = 200;
const maxStopRetries = 25;
const overlapPauseMs = 1_000;

type Listeners = {
  /** A process has begun its run, or has ended. */
  freed(entry: ServedEntry): void;
  /** An error of serve itself, in the work for one process. */
  defect(thrown: unknown): void;
};

type EndsClock = Pick<Clock, "wall" | "after" | "cancel">;

export class SlotEnds {
  readonly #store: ScheduleStore;
  readonly #clock: EndsClock;
  readonly #told: Told;
  readonly #on: Listeners;
  readonly #starting = new Map<OwnProcess, ServedEntry>();
  readonly #running = new Map<OwnProcess, ServedEntry>();
  #timer: Timer | undefined;
  #lookedAt = 0;
  #stops = 0;
  #onIdle: (() => void) | undefined;

  constructor(store: ScheduleStore, clock: EndsClock, told: Told, on: Listeners) {
    this.#store = store;
    this.#clock = clock;
    this.#told = told;
    this.#on = on;
  }

  started(entry: ServedEntry, own: OwnProcess): void {
    entry.processes.set(own.slot, own);
    this.#starting.set(own, entry);
    if (own.why !== "continued") entry.counters.started(own.delayMs);
    const { slot, why, delayMs } = own;
    this.#told.say(entry, { kind: "started", slot, why, delayMs }, false);
    void own.process.ended.then((end) => this.#ended(entry, own, end));
    this.#watch();
  }

  /** The system has refused to start a process. */
  notLaunched(entry: ServedEntry, slot: number, thrown: unknown): void {
    const now = this.#clock.wall();
    const next = tryAfter("not-started", entry.tries.get(slot), now);
    entry.tried(slot, next);
    entry.waitsAgain(slot, now);
    entry.again = next?.notBefore ?? now;
    entry.counters.ended("not-started", 0, now);
    const error = reasonOf(thrown);
    const { isRepeated } = this.#told.notStarted(entry, error);
    const event = {
      kind: "ended",
      slot,
      run: null,
      outcome: "not-started",
      why: "on time",
      delayMs: 0,
      durationMs: 0,
      error,
      again: next?.notBefore ?? null,
      isStopped: false,
    } as const;
    this.#told.failed(entry, slot, event, isRepeated);
  }

  // ── begin ────────────────────────────────────────────────────────────────────────────────────────────

  #watch(): void {
    this.#clock.cancel(this.#timer);
    if (this.#starting.size === 0) return;
    const now = this.#clock.wall();
    const youngest = Math.min(...Array.from(this.#starting.keys(), (own) => now - own.startedAt));
    const delay = Math.min(longestLookMs, Math.max(shortestLookMs, youngest / 4));
    this.#timer = this.#clock.after(delay, () => this.#lookForRuns());
  }

  #lookForRuns(): void {
    const begun: ServedEntry[] = [];
    const now = this.#clock.wall();
    const passedMs = Math.min(longestLookMs, Math.max(0, now - this.#lookedAt));
    this.#lookedAt = now;
    for (const [own, entry] of this.#starting) {
      this.#kept(() => {
        if (this.#hasBegun(entry, own, passedMs)) begun.push(entry);
      });
    }
    this.#watch();
    for (const entry of begun) this.#on.freed(entry);
  }

  #hasBegun(entry: ServedEntry, own: OwnProcess, passedMs: number): boolean {
    const history = this.#historyOf(entry, own.slot);
    const row = rowOf(history, own.slot);
    if (history === undefined) return false;
    if (row?.pid !== own.process.pid) {
      own.loadMs += passedMs;
      if (hangs(own) !== undefined) own.process.signal("kill");
      return false;
    }
    this.#begun(entry, own, row, history);
    return true;
  }

  #begun(entry: ServedEntry, own: OwnProcess, row: SlotRun, history: ScheduleHistory): void {
    own.run = row.run;
    this.#starting.delete(own);
    this.#running.set(own, entry);
    const usual = usualMs(history.slots.filter(({ slot }) => slot !== own.slot));
    own.slow = usual === undefined ? null : { usualMs: usual, afterMs: slowAfterMs(usual) };
    this.#goesOn(entry, own.slot);
    this.#told.changed();
  }

  /** A slot that an earlier serve has stopped. Who cancels its run from now on means it. */
  #goesOn(entry: ServedEntry, slot: number): void {
    if (!entry.stopped.includes(slot) || this.#stops > 0) return;
    const others = entry.stopped.filter((each) => each !== slot);
    this.#told.stopped(entry, others);
  }

  // ── end ──────────────────────────────────────────────────────────────────────────────────────────────

  #ended(entry: ServedEntry, own: OwnProcess, end: ProcessEnd): void {
    this.#starting.delete(own);
    this.#running.delete(own);
    entry.processes.delete(own.slot);
    const isJudged = this.#kept(() => this.#judge(entry, own, end));
    if (!isJudged) this.#tryLater(entry, own.slot);
    entry.waitsAgain(own.slot, this.#clock.wall());
    this.#on.freed(entry);
    if (this.#starting.size + this.#running.size === 0) this.#onIdle?.();
  }

  /** What became of it is not known: its slot may be due still, and would be started again at once. */
  #tryLater(entry: ServedEntry, slot: number): void {
    const next = tryAfter("not-started", entry.tries.get(slot), this.#clock.wall());
    entry.tried(slot, next);
  }

  #judge(entry: ServedEntry, own: OwnProcess, end: ProcessEnd): void {
    const { slot, process, before } = own;
    if (end.code === overlapExitCode && own.run === null) return this.#overlapped(entry, slot);
    const now = this.#clock.wall();
    const history = this.#historyOf(entry, slot);
    const row = rowOf(history, slot);
    const outcome =
      history === undefined
        ? outcomeOfCode(end)
        : outcomeOf({
            pid: process.pid,
            before,
            now: row,
            isStopped: this.#stops > 0,
            hasBegun: own.run !== null,
            code: end.code,
          });
    if (outcome === "taken") this.#taken(entry, slot, row);
    else if (outcome === "lost") this.#lost(entry, own, { history, now });
    else this.#finish(entry, own, { end, outcome, history, now });
  }

  /** Another run has begun while the process was loading the file: what becomes of the slot is decided again. */
  #overlapped(entry: ServedEntry, slot: number): void {
    const count = entry.tries.get(slot)?.count ?? 0;
    // Not at once: where the file cannot be read as the process has read it, it would be started again and again.
    entry.tried(slot, { count, notBefore: this.#clock.wall() + overlapPauseMs });
    this.#told.say(entry, { kind: "overlapped", slot }, false);
  }

  #taken(entry: ServedEntry, slot: number, row: SlotRun | undefined): void {
    entry.tried(slot, undefined);
    this.#told.say(entry, { kind: "taken", slot, run: row?.run ?? null }, false);
  }

  #finish(entry: ServedEntry, own: OwnProcess, { end, outcome, history, now }: Finish): void {
    const { slot, why, delayMs, startedAt } = own;
    const isStopped = this.#stops > 0;
    // A short run may have ended before anybody saw that it had begun.
    if (outcome !== "not-started") this.#goesOn(entry, slot);
    const next = isStopped ? undefined : this.#nextTry(entry, slot, { outcome, history, now });
    entry.tried(slot, next);
    const run = rowOf(history, slot)?.run ?? own.run;
    const durationMs = now - startedAt;
    entry.counters.ended(outcome, durationMs, now);
    entry.record({ kind: "ran", slot, run, startedAt, finishedAt: now, outcome, delayMs, why });
    const again = next === undefined || next.notBefore === never ? null : next.notBefore;
    const error = outcome === "done" ? null : (hangs(own) ?? saidIn(end));
    const { isRepeated } = this.#told.notStarted(entry, outcome === "not-started" ? error : null);
    const what = { slot, run, outcome, error, again } as const;
    const ended = { kind: "ended", ...what, why, delayMs, durationMs, isStopped } as const;
    // A file that was just renamed or removed is no longer served a moment later.
    const isFailure = !isStopped && !end.isFileGone && isFailed(outcome, next?.notBefore);
    if (isFailure) this.#told.failed(entry, slot, ended, isRepeated);
    else this.#told.say(entry, ended, false, isRepeated);
    if (isFailure) pauseIfNeeded(this.#told, entry, history);
    if (outcome !== "done") return;
    // Earlier slots for which no run began are not due any more; those whose runs were interrupted are, and their tries count on.
    const slots = history?.slots ?? [];
    const over = [...entry.tries.keys()].filter(
      (each) => each < slot && !isInterrupted(slots, each),
    );
    for (const each of over) entry.tried(each, undefined);
    const isTrouble = entry.isLateStill(slot, now) || hasFailedSince(slots, entry, slot);
    if (!isTrouble) this.#told.recovered(entry, slot, run);
  }

  /** Nothing of the run is left, so no page can show it: the slot counts as failed. */
  #lost(
    entry: ServedEntry,
    own: OwnProcess,
    { history, now }: Pick<Finish, "history" | "now">,
  ): void {
    const { slot, why, delayMs, startedAt, run } = own;
    const isStopped = this.#stops > 0;
    const next = this.#nextTry(entry, slot, { outcome: "lost", history, now });
    entry.tried(slot, next);
    const durationMs = now - startedAt;
    entry.counters.ended("error", durationMs, now);
    const shown = { kind: "ran", slot, run: null, startedAt, finishedAt: now, delayMs } as const;
    entry.record({ ...shown, outcome: "error", why: "its database was deleted or replaced" });
    const again = next?.notBefore ?? null;
    const event = { kind: "lost", slot, run, why, delayMs, durationMs, again, isStopped } as const;
    this.#told.failed(entry, slot, event, false);
    pauseIfNeeded(this.#told, entry, history);
  }

  #nextTry(
    entry: ServedEntry,
    slot: number,
    { outcome, history, now }: Pick<Finish, "history" | "now"> & { outcome: SlotOutcome | "lost" },
  ): Try | undefined {
    const next = tryAfter(outcome, entry.tries.get(slot), now);
    const isNew = outcome === "lost" || outcome === "not-started";
    return isNew && history !== undefined && !isDueStill(history, slot) ? undefined : next;
  }

  #historyOf(entry: ServedEntry, slot: number): ScheduleHistory | undefined {
    const { db, name } = entry;
    if (db === null || name === null) return undefined;
    const read = this.#store.read(db, [name], Math.max(this.#clock.wall(), slot));
    if (read.kind !== "ok") return undefined;
    return read.histories.get(name) ?? noHistory;
  }

  // ── stop ─────────────────────────────────────────────────────────────────────────────────────────────

  /** See `Scheduler.stop`. */
  async stop(entries: readonly ServedEntry[]): Promise<void> {
    this.#stops++;
    const isFirst = this.#stops === 1;
    if (isFirst) {
      // Before the signal: a run that is stopped and not noted would not go on.
      for (const entry of entries) this.#kept(() => this.#noteStopped(entry));
      await this.#untilNoted();
    }
    const own = [...this.#starting.keys(), ...this.#running.keys()];
    for (const { process } of own) process.signal(this.#stops > 2 && !isFirst ? "kill" : "stop");
    if (own.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const earlier = this.#onIdle;
    this.#onIdle = () => {
      earlier?.();
      resolve();
    };
    await promise;
  }

  /** Also those that have not begun: they may, before the signal reaches them. */
  #noteStopped(entry: ServedEntry): void {
    if (entry.processes.size === 0) return;
    this.#told.stopped(entry, [...new Set([...entry.stopped, ...entry.processes.keys()])]);
  }

  #hasToNote(): boolean {
    let isNoted = false;
    return this.#kept(() => void (isNoted = this.#told.retry())) && !isNoted;
  }

  async #untilNoted(): Promise<void> {
    for (let tries = 0; this.#hasToNote() && tries < maxStopRetries; tries++) {
      await pause(stopRetryMs, this.#clock);
    }
  }

  /** @returns whether the work was done to its end */
  #kept(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (thrown) {
      this.#on.defect(thrown);
      return false;
    }
  }
}

type Finish = {
  readonly end: ProcessEnd;
  readonly outcome: SlotOutcome;
  readonly history: ScheduleHistory | undefined;
  readonly now: number;
};

const rowOf = (history: ScheduleHistory | undefined, slot: number): SlotRun | undefined =>
  history?.slots.find((run) => run.slot === slot);

/** Where the database cannot be read. */
const outcomeOfCode = ({ code }: ProcessEnd): SlotOutcome => (code === 0 ? "done" : "error");
