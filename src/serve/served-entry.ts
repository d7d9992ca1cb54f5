// One pipeline that is served: what its file says, what its database has, what serve has started for it. The scheduler changes it.

import { JSON } from "../base/globals.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { Pause, ScheduleHistory, SlotRun, Trouble } from "../protocol/served-schedule.ts";
import {
  isIn,
  never,
  whyTriedAgain,
  type Situation,
  type TimeSpan,
  type Try,
} from "./decide-slot.ts";
import { argumentOf, type DescribedPipeline } from "./described.ts";
import { isOnTime } from "./due-slots.ts";
import { nextStarts, slotAfter, startOf } from "./schedule-slots.ts";
import { machineZone, ruleText, seedOf } from "./schedule-text.ts";
import type { StartReason } from "./serve-event.ts";
import type { ServedPipeline, ServedState, SlotRecord } from "./served.ts";
import { SlotCounters } from "./slot-counters.ts";
import type { SlotProcess } from "./slot-process.ts";

/** What became of so many slots is kept for the page. */
const maxRecords = 30;
const shownSlots = 5;
const maxTries = 1_000;

type Said = {
  refusal: string | null;
  /** Name, database and rule. */
  servedAs: string | null;
  /** Why no run began. */
  notStarted: string | null;
};

export type OwnProcess = {
  readonly slot: number;
  readonly process: SlotProcess;
  readonly startedAt: number;
  readonly delayMs: number;
  readonly why: StartReason;
  /** The row as it was before: a process that ends without a session leaves it so. */
  readonly before: SlotRun | undefined;
  /** Null: no run has begun. */
  run: number | null;
  /** For how long it was seen without a run: a sleep of the machine does not count. */
  loadMs: number;
  /** Its file was loaded since by another process. */
  isOutdated: boolean;
  /** When it takes longer than its runs do; null: that is told, or not known. */
  slow: { readonly usualMs: number; readonly afterMs: number } | null;
};

/** Of a process that was just started. */
export const notBegun = { run: null, loadMs: 0, isOutdated: false, slow: null } as const;
const goesOn = { status: "running", finishedAt: null, trigger: "schedule" } as const;

type Scheduled = Extract<DescribedPipeline["served"], { kind: "scheduled" }>;

export class ServedEntry {
  readonly file: string;
  readonly exportName: string | null;
  readonly counters = new SlotCounters();
  readonly processes = new Map<number, OwnProcess>();
  readonly tries = new Map<number, Try>();
  /** What the log has said last, and does not say again. */
  readonly said: Said = { refusal: null, servedAs: null, notStarted: null };
  /** Runs that were asked to end for a later slot. */
  readonly cancelled = new Set<number>();
  /** Null: the file was not loaded yet. */
  described: DescribedPipeline | null = null;
  broken: { readonly message: string; readonly since: number } | null = null;
  /** Why it cannot be served, as far as its file says nothing of it: the database cannot be used, or another file has its name. */
  refusal: string | null = null;
  /** When its database was first found to be locked. Null: it is not. */
  lockedSince: number | null = null;
  /** The argument of the pipeline that has its name and database. */
  twinOf: string | null = null;
  /** Its database has been read since the file was described. */
  isAdopted = false;
  /** While its file was loaded last: slots of this time have waited for it. A clock that was set back leaves no time. */
  loaded: TimeSpan = { from: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY };
  /** When to look at it again, epoch ms. */
  again = 0;
  /** It is due, and there is no room for its process. */
  isBlocked = false;
  /** When it was last decided what is due. */
  decidedAt = Number.NEGATIVE_INFINITY;
  /** The file or the export is gone; its processes go on. */
  isRemoved = false;
  since = Number.NEGATIVE_INFINITY;
  /** Since then something looks for its slots: the file was loaded, or the machine has woken up. */
  servedSince = Number.NEGATIVE_INFINITY;
  paused: Pause | null = null;
  trouble: Trouble | null = null;
  /** Posted to the webhook, and not delivered yet. Null: what an earlier serve has left is not known yet. */
  untold: readonly string[] | null = null;
  stopped: readonly number[] = [];
  /** The last one that was told to be late. */
  lateSlot: number | null = null;
  passed = Number.NEGATIVE_INFINITY;
  waiting: { readonly slot: number; readonly since: number; readonly why: string } | null = null;
  readonly #host: string;
  /** The database and the name of the row that it was served by last. */
  #row: string | null = null;
  #records: SlotRecord[] = [];

  constructor(file: string, exportName: string | null, host: string) {
    this.file = file;
    this.exportName = exportName;
    this.#host = host;
  }

  get argument(): string {
    return argumentOf(this.file, this.exportName);
  }

  get name(): string | null {
    return this.described?.name ?? null;
  }

  /** Null where it cannot be served. */
  get scheduled(): Scheduled | null {
    const served = this.described?.served;
    return served?.kind === "scheduled" ? served : null;
  }

  get db(): string | null {
    return this.scheduled?.db ?? null;
  }

  /** @param since when its file was asked for it */
  describe(described: DescribedPipeline, since: number, now: number): void {
    this.loaded = { from: since, until: now };
    if (this.described === null) this.servedSince = since;
    this.described = described;
    for (const own of this.processes.values()) own.isOutdated = true;
    this.#setRow();
    this.broken = null;
    this.refusal = null;
    this.isAdopted = false;
    // What could not be started may be mended.
    this.tries.clear();
    this.said.notStarted = null;
    this.again = now;
  }

  /** Another database, or another name, has a row of its own: what serve keeps of this one is not true of that. */
  #setRow(): void {
    if (this.db === null) return;
    const row = `${this.db}\0${this.name}`;
    if (row === this.#row) return;
    this.#row = row;
    this.paused = null;
    this.trouble = null;
    this.untold = null;
    this.stopped = [];
    this.passed = Number.NEGATIVE_INFINITY;
    this.waiting = null;
    this.lateSlot = null;
  }

  /** @param next undefined: the slot has come to its end */
  tried(slot: number, next: Try | undefined): void {
    this.tries.delete(slot);
    if (next === undefined) return;
    this.tries.set(slot, next);
    // A file that can be described and never runs leaves one for each of its slots.
    if (this.tries.size > maxTries) this.tries.delete(this.tries.keys().next().value ?? slot);
  }

  /** No run of the slot has begun. It may have waited while later ones were skipped: it waits again, and is not left out with them. */
  waitsAgain(slot: number, now: number): void {
    if (!this.tries.has(slot) || slot > this.passed) return;
    this.waiting ??= { slot, since: now, why: whyTriedAgain };
  }

  /** Slots that were started and for which no run has begun, or whose run was interrupted. */
  get failedTries(): readonly number[] {
    return [...this.tries].flatMap(([slot, { count }]) => (count > 0 ? slot : []));
  }

  /** Those of them that are not tried again. */
  get givenUp(): readonly number[] {
    return this.failedTries.filter((slot) => this.tries.get(slot)?.notBefore === never);
  }

  /** It is served now. */
  get canRun(): boolean {
    return this.scheduled !== null && this.twinOf === null && !this.isRemoved;
  }

  isDue(now: number): boolean {
    return this.canRun && this.again <= now;
  }

  /** The clock was set back: what was noted of a time to come would hide what follows from now on. */
  setBack(now: number): void {
    this.again = now;
    this.servedSince = Math.min(this.servedSince, now);
    if (this.passed > now) this.passed = Number.NEGATIVE_INFINITY;
  }

  /** When the run of a slot is to begin. */
  startOf(slot: number): number {
    const rule = this.scheduled?.rule;
    return rule === undefined ? slot : startOf(rule, slot, this.#seed);
  }

  /**
   * Slots up to it never run, where the database has no row of the rule. What came while the file was loaded is not among them, nor what
   * is due now where a database that was served is gone.
   */
  firstSeen(now: number): number {
    if (!this.isAdopted) return Math.min(this.loaded.from, now);
    return Math.min(this.decidedAt, now, (this.waiting?.slot ?? now) - 1);
  }

  /** Its time came while the file was loaded. */
  wasLoading(slot: number): boolean {
    return isIn(this.loaded, this.startOf(slot));
  }

  /** Its time came while nothing looked for it. */
  wasMissed(slot: number): boolean {
    return !isOnTime(this.startOf(slot), this.servedSince);
  }

  /** While slots are caught up, the one after this one is late too. */
  isLateStill(slot: number, now: number): boolean {
    const rule = this.scheduled?.rule;
    if (rule === undefined || this.trouble?.kind !== "late") return false;
    // Slots that were skipped meanwhile never run.
    const next = slotAfter(rule, Math.max(slot, this.passed));
    return next !== null && this.startOf(next) + rule.startWithinMs <= now;
  }

  situation(rule: ScheduleRule, history: ScheduleHistory, now: number): Situation {
    return {
      now,
      rule,
      seed: this.#seed,
      // The clock may have been set back.
      history: { ...history, slots: history.slots.filter(({ slot }) => slot <= now) },
      since: this.since,
      stopped: this.stopped,
      processes: Array.from(this.processes.values(), ({ slot, run, startedAt }) => ({
        slot,
        hasBegun: run !== null,
        startedAt,
      })),
      tries: this.tries,
      passed: this.passed,
      held: this.waiting?.slot ?? null,
      loaded: this.loaded,
    };
  }

  /** A run of serve's own goes on after its database was deleted, until it writes to it. */
  withOwnRuns(history: ScheduleHistory): ScheduleHistory {
    const known = new Set([...history.slots, ...history.others].map(({ slot }) => slot));
    const lost = [...this.processes.values()].flatMap(({ slot, run, startedAt, process }) =>
      run === null || known.has(slot) ? [] : { ...goesOn, run, slot, startedAt, pid: process.pid },
    );
    return { ...history, others: [...history.others, ...lost] };
  }

  /** A run that has ended is not asked to end. */
  keepCancelled({ slots, others }: Pick<ScheduleHistory, "slots" | "others">): void {
    const live = [...slots, ...others].filter(({ status }) => status === "running");
    const runs = new Set(live.map(({ run }) => run));
    for (const run of this.cancelled) if (!runs.has(run)) this.cancelled.delete(run);
  }

  record(record: SlotRecord): void {
    this.#records = [...this.#records, record].slice(-maxRecords);
  }

  served(now: number): ServedPipeline {
    const { file, exportName, argument, name, db, scheduled, waiting, state } = this;
    const rule = scheduled?.rule;
    return {
      file,
      exportName,
      argument,
      name,
      db,
      schedule:
        rule === undefined
          ? null
          : { text: ruleText(rule, rule.tz ?? machineZone()), tz: rule.tz, rule },
      state,
      trouble: this.trouble,
      next:
        rule === undefined || ["paused", "refused"].includes(state.kind)
          ? []
          : this.next(rule, now, shownSlots),
      running: Array.from(this.processes.values(), ({ slot, run, startedAt, process }) => ({
        slot,
        run,
        startedAt,
        pid: process.pid,
      })),
      waiting,
      slots: this.#records,
      counts: this.counters.counts,
    };
  }

  get state(): ServedState {
    const { described, broken, paused, scheduled } = this;
    const reason = described?.served.kind === "refused" ? described.served.reason : this.refusal;
    if (reason !== null && broken === null) return { kind: "refused", reason };
    if (paused !== null && scheduled !== null) {
      const { at: since, failures } = paused;
      if (failures === null) return { kind: "paused", since, by: { kind: "person" } };
      return { kind: "paused", since, by: { kind: "failures", count: failures } };
    }
    if (broken !== null) return { kind: "broken", ...broken, hasSchedule: scheduled !== null };
    return { kind: "ok" };
  }

  next(rule: ScheduleRule, now: number, most: number): ReturnType<typeof nextStarts> {
    return nextStarts(rule, this.#seed, { now, since: this.since, most });
  }

  get #seed(): string {
    return seedOf(this.#host, this.name ?? "");
  }
}

/** Slots of another rule than before do not count as missed. */
export const ruleKey = ({ when, tz }: ScheduleRule): string =>
  JSON.stringify(when.kind === "cron" ? { cron: when.cron, tz } : { everyMs: when.everyMs, tz });
