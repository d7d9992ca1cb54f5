// Starts what is due. One timer for the nearest time, and a look at the clock at least every 30 s: timers slip while a machine sleeps,
// and clocks are set. What has run is read from the users' databases each time; only what serve has started is kept here.

import type { Timer } from "../base/clock.ts";
import { noHistory, type ScheduleHistory } from "../protocol/served-schedule.ts";
import { type Decision, decide } from "./decide-slot.ts";
import { argumentOf, type DescribedPipeline, type FileResult } from "./described.ts";
import { isOnTime } from "./due-slots.ts";
import { tellFoundEnd } from "./found-ends.ts";
import type { SchedulerDeps } from "./scheduler-deps.ts";
import type { Served } from "./served.ts";
import { notBegun, ServedEntry } from "./served-entry.ts";
import { SlotEnds } from "./slot-ends.ts";
import { isStarting } from "./slot-outcome.ts";
import { startReason, tooMany, whyLate, whyLeftOut } from "./start-reasons.ts";
import { Told } from "./told.ts";
import { refusedTwins } from "./refused-twins.ts";

/** The longest time between two looks at the clock. */
const longestWaitMs = 30_000;
/** Without a look for longer than this, something is wrong. */
const stalledMs = 120_000;
const laterMs = 1_000;
/** A schedule that was paused or resumed elsewhere is noticed after this time. */
const pauseLookMs = 2_000;
/** A clock that runs backwards by less is not set back. */
const setBackMs = 1_000;

type Pipelines = readonly DescribedPipeline[];

export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #told: Told;
  readonly #ends: SlotEnds;
  readonly #entries = new Map<string, ServedEntry>();
  /** Due, and without room for a process: the one that has waited longest comes first. */
  readonly #blocked = new Set<ServedEntry>();
  readonly #stamps = new Map<string, string>();
  readonly #startedAt: number;
  #timer: Timer | undefined;
  #lastLook: number;
  #lastSweep = Number.NEGATIVE_INFINITY;
  #isStopping = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.wall();
    this.#lastLook = this.#startedAt;
    this.#told = new Told(deps);
    this.#ends = new SlotEnds(deps.store, deps.clock, this.#told, {
      freed: (entry) => this.#freed(entry),
      defect: (thrown) => deps.onDefect(thrown),
    });
  }

  // ── files ────────────────────────────────────────────────────────────────────────────────────────────

  /** What the file says now. @param only the export that it was asked about; null: all @param since when it was asked */
  update(file: string, result: FileResult, only: string | null, since = this.#now): void {
    if (result.kind === "broken") this.#broken(file, result.message, only);
    else this.#loaded(file, result.pipelines, only, since);
    this.#refuseTwins();
    this.look();
  }

  /** The file is gone. Its processes go on. */
  remove(file: string, only: string | null): void {
    this.update(file, { kind: "loaded", pipelines: [] }, only);
  }

  #loaded(file: string, pipelines: Pipelines, only: string | null, since: number): void {
    const kept = new Set(pipelines.map(({ exportName }) => argumentOf(file, exportName)));
    const others = this.#of(file, only).filter(({ argument }) => !kept.has(argument));
    for (const entry of others) this.#remove(entry, kept.size > 0);
    for (const described of pipelines) {
      const entry = this.#entryOf(file, described.exportName);
      const wasBroken = entry.broken !== null;
      entry.describe(described, since, this.#now);
      if (wasBroken) this.#told.say(entry, { kind: "mended" }, true);
      if (described.served.kind === "refused") this.#told.refused(entry, described.served.reason);
    }
  }

  #broken(file: string, message: string, only: string | null): void {
    const known = this.#of(file, only);
    for (const entry of known.length > 0 ? known : [this.#entryOf(file, only)]) {
      const before = entry.broken;
      entry.broken = { message, since: before?.since ?? this.#now };
      if (before?.message === message) continue;
      const hasSchedule = entry.scheduled !== null;
      this.#told.say(entry, { kind: "broken", message, hasSchedule }, before === null);
    }
  }

  #entryOf(file: string, exportName: string | null): ServedEntry {
    const argument = argumentOf(file, exportName);
    const entry = this.#entries.get(argument) ?? new ServedEntry(file, exportName, this.#deps.host);
    this.#entries.set(argument, entry);
    entry.isRemoved = false;
    return entry;
  }

  /** @param isLoaded its file has pipelines: where none was known while it was broken, these are mended */
  #remove(entry: ServedEntry, isLoaded: boolean): void {
    if (entry.isRemoved) return;
    entry.isRemoved = true;
    this.#blocked.delete(entry);
    if (entry.processes.size === 0) this.#entries.delete(entry.argument);
    const isMended = isLoaded && entry.described === null;
    this.#told.say(entry, { kind: isMended ? "mended" : "removed" }, isMended);
  }

  #of(file: string, only: string | null): ServedEntry[] {
    const isAsked = ({ exportName }: ServedEntry): boolean => only === null || exportName === only;
    return [...this.#entries.values()].filter((each) => each.file === file && isAsked(each));
  }

  get #scheduled(): ServedEntry[] {
    return [...this.#entries.values()].filter((each) => each.scheduled !== null && !each.isRemoved);
  }

  #refuseTwins(): void {
    for (const [entry, reason] of refusedTwins(this.#scheduled, this.#now)) {
      this.#told.refused(entry, reason);
    }
  }

  // ── the clock ────────────────────────────────────────────────────────────────────────────────────────

  get #now(): number {
    return this.#deps.clock.wall();
  }

  /** Does what is due, and sets the timer for what comes next. */
  look(): void {
    if (this.#isStopping) return;
    const now = this.#now;
    const isSetBack = now < this.#lastLook - setBackMs;
    if (!isOnTime(this.#lastLook, now)) this.#entries.forEach((each) => (each.servedSince = now));
    this.#lastLook = now;
    if (isSetBack || now - this.#lastSweep >= longestWaitMs) this.#sweep(now, isSetBack);
    // What has waited for room comes first: a pipeline that is always due would take it each time.
    const inOrder = new Set([...this.#blocked, ...this.#entries.values()]);
    const due = [...inOrder].filter((entry) => entry.isDue(now));
    for (const [db, entries] of Map.groupBy(due, (entry) => entry.db)) {
      if (db !== null) this.#kept(entries, () => this.#lookInto(db, entries, now));
    }
    this.#setTimer();
  }

  /** A database may have been written: it is looked at soon, once for many calls. */
  databaseChanged(): void {
    const wanted = this.#now - longestWaitMs + pauseLookMs;
    if (this.#lastSweep <= wanted) return;
    this.#lastSweep = wanted;
    this.#setTimer();
  }

  /** Other processes pause and resume schedules. A clock that was set back has other slots before it. */
  #sweep(now: number, isSetBack: boolean): void {
    this.#lastSweep = now;
    this.#kept([], () => void this.#told.retry());
    const served = this.#scheduled;
    if (isSetBack) for (const entry of served) entry.setBack(now);
    for (const [db, entries] of Map.groupBy(served, (entry) => entry.db)) {
      if (db !== null) this.#kept([], () => this.#lookForPauses(db, entries, now));
    }
  }

  /** @param entries are looked at again later if the work throws: at once, it would throw at once */
  #kept(entries: readonly ServedEntry[], work: () => void): void {
    try {
      work();
    } catch (thrown) {
      for (const entry of entries) entry.again = this.#now + longestWaitMs;
      this.#deps.onDefect(thrown);
    }
  }

  #lookForPauses(db: string, entries: readonly ServedEntry[], now: number): void {
    const stamp = this.#deps.store.stamp(db);
    if (this.#stamps.get(db) === stamp) return;
    this.#stamps.set(db, stamp);
    const paused = this.#deps.store.paused(db);
    if (paused === undefined) return;
    for (const entry of entries) {
      if (paused.has(entry.name ?? "") !== (entry.paused !== null)) entry.again = now;
    }
  }

  #setTimer(): void {
    const { clock } = this.#deps;
    clock.cancel(this.#timer);
    if (this.#isStopping) return;
    const now = clock.wall();
    for (const blocked of this.#blocked.values().take(Math.max(0, this.#room))) blocked.again = now;
    const nearest = this.#entries
      .values()
      .reduce(
        (at, entry) => (entry.canRun ? Math.min(at, entry.again) : at),
        Math.min(this.#lastSweep, now) + longestWaitMs,
      );
    this.#timer = clock.after(Math.max(0, nearest - now), () => this.look());
  }

  // ── a database ───────────────────────────────────────────────────────────────────────────────────────

  #lookInto(db: string, entries: readonly ServedEntry[], now: number): void {
    const names = entries.flatMap(({ name }) => name ?? []);
    const read = this.#deps.store.read(db, names, now);
    if (read.kind === "ok") {
      for (const entry of entries) entry.again = now + laterMs;
      for (const entry of this.#told.adopt(db, entries, read.histories, now)) {
        const history = read.histories.get(entry.name ?? "") ?? noHistory;
        this.#kept([entry], () => this.#decide(entry, entry.withOwnRuns(history), now));
      }
      return;
    }
    for (const entry of entries) {
      entry.again = now + (read.kind === "bad" ? longestWaitMs : laterMs);
      this.#told.unusable(entry, read, now);
    }
  }

  #decide(entry: ServedEntry, history: ScheduleHistory, now: number): void {
    const rule = entry.scheduled?.rule;
    if (rule === undefined) return;
    entry.keepCancelled(history);
    entry.decidedAt = now;
    const found = tellFoundEnd(this.#told, entry, history, now);
    if (entry.paused !== null) {
      entry.again = Number.POSITIVE_INFINITY;
      return this.#wait(entry, { waiting: null }, now);
    }
    const decision = decide(entry.situation(rule, history, now));
    const { again, late } = decision;
    entry.again = again;
    this.#leaveOut(entry, decision);
    if (late !== null) this.#told.late(entry, late, whyLate(entry, late, decision));
    for (const { run } of decision.cancel) this.#cancel(entry, run);
    if (decision.start === null) this.#wait(entry, decision, now);
    else this.#start(entry, decision.start, history, now);
    entry.again = Math.min(entry.again, this.#told.slow(entry, now), found);
  }

  #leaveOut(entry: ServedEntry, { leftOut }: Decision): void {
    for (const { kind, slot, count } of leftOut) {
      entry.passed = Math.max(entry.passed, slot);
      if (kind === "skipped") entry.counters.skipped();
      else entry.counters.missed(count);
      entry.record({ kind, slot, why: whyLeftOut[kind] });
      const event = kind === "skipped" ? { kind, slot } : { kind, slot, count };
      // It was started, and no run began: that is said.
      const isRepeated = kind === "missed" && entry.said.notStarted !== null;
      this.#told.say(entry, event, false, isRepeated);
    }
  }

  #wait(entry: ServedEntry, { waiting }: Pick<Decision, "waiting">, now: number): void {
    const since = waiting?.slot === entry.waiting?.slot ? (entry.waiting?.since ?? now) : now;
    entry.waiting = waiting === null ? null : { ...waiting, since };
    this.#unblock(entry);
  }

  #unblock(entry: ServedEntry): void {
    this.#blocked.delete(entry);
    entry.isBlocked = false;
  }

  #cancel(entry: ServedEntry, run: number): void {
    if (entry.cancelled.has(run) || entry.db === null) return;
    entry.cancelled.add(run);
    this.#deps.cancel(entry.db, run);
  }

  // ── processes ────────────────────────────────────────────────────────────────────────────────────────

  #start(
    entry: ServedEntry,
    { slot, isContinued }: NonNullable<Decision["start"]>,
    history: ScheduleHistory,
    now: number,
  ): void {
    if (this.#room <= 0) {
      this.#blocked.add(entry);
      entry.isBlocked = true;
      entry.waiting = { slot, since: entry.waiting?.since ?? now, why: tooMany };
      return;
    }
    this.#unblock(entry);
    const start = isContinued ? now : entry.startOf(slot);
    const why = isContinued ? "continued" : startReason(entry, slot, start, now);
    const before = history.slots.find((run) => run.slot === slot);
    try {
      const process = this.#deps.launch({ file: entry.file, argument: entry.argument, slot });
      const delayMs = Math.max(0, now - start);
      entry.waiting = null;
      const own = { slot, process, startedAt: now, delayMs, why, before, ...notBegun };
      this.#ends.started(entry, own);
    } catch (thrown) {
      this.#ends.notLaunched(entry, slot, thrown);
    }
  }

  /** How many processes may be started now. */
  get #room(): number {
    const { maxRuns, maxStarting } = this.#deps;
    const processes = [...this.#entries.values()].flatMap((entry) => [...entry.processes.values()]);
    return Math.min(maxRuns - processes.length, maxStarting - processes.filter(isStarting).length);
  }

  /** A process has begun its run, or has ended. */
  #freed(entry: ServedEntry): void {
    if (entry.isRemoved && entry.processes.size === 0) this.#entries.delete(entry.argument);
    entry.again = this.#now;
    this.#setTimer();
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Starts nothing more, and ends the processes: their runs are continued by the next serve. A second call is more urgent, a third
   * one kills. Resolves when all have ended.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#deps.clock.cancel(this.#timer);
    await this.#ends.stop([...this.#entries.values()]);
  }

  served(): Served {
    const at = this.#now;
    const isStalled = at - this.#lastLook > stalledMs;
    return {
      at,
      startedAt: this.#startedAt,
      health: this.#isStopping ? "stopping" : isStalled ? "stalled" : "healthy",
      pipelines: [...this.#entries.values()]
        .filter(({ isRemoved }) => !isRemoved)
        .toSorted((a, b) => (a.argument < b.argument ? -1 : 1))
        .map((entry) => entry.served(at)),
    };
  }

  /** @returns ends it */
  onChange(listener: () => void): () => void {
    return this.#told.onChange(listener);
  }
}
