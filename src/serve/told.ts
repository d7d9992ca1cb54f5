// What serve tells of its pipelines, and what it keeps of them in the users' databases. A trouble is told once, until it is over, also
// if serve is started again meanwhile.

import type { Clock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import type {
  Pause,
  ScheduleChange,
  ScheduleHistory,
  ScheduleRow,
  Trouble,
} from "../protocol/served-schedule.ts";
import type { ScheduleStore, Unusable } from "./schedule-store.ts";
import { machineZone, zoneTime } from "./schedule-text.ts";
import type { SchedulerDeps } from "./scheduler-deps.ts";
import type { PipelineEvent, ServeEvent } from "./serve-event.ts";
import { newsOf } from "./serve-log.ts";
import { ruleKey, type ServedEntry } from "./served-entry.ts";

/** A row of a schedule that begins later than this was written while the clock was wrong. */
const aheadMs = 60_000;
/** Of a schedule, for a receiver that is away. Older ones are sent too, unless serve is killed. */
const maxUntold = 20;

type ToldDeps = Pick<SchedulerDeps, "store" | "tell" | "webhook"> & {
  readonly clock: Pick<Clock, "wall">;
};

export class Told {
  readonly #store: ScheduleStore;
  readonly #clock: Pick<Clock, "wall">;
  readonly #tell: SchedulerDeps["tell"];
  readonly #webhook: SchedulerDeps["webhook"];
  readonly #listeners = new Set<() => void>();
  /** By database: what could not be written yet, such as for another program's lock. */
  readonly #pending = new Map<string, ScheduleChange[]>();

  constructor({ store, clock, tell, webhook }: ToldDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#tell = tell;
    this.#webhook = webhook;
  }

  /** @returns ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Something is different, and there is nothing to say of it. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  say(entry: ServedEntry, event: PipelineEvent, isNews: boolean, isRepeated = false): void {
    const told = this.#eventOf(entry, event, isNews, isRepeated);
    this.#tell(told);
    if (isNews) this.#webhook?.send(bodyOf(told));
    this.changed();
  }

  #eventOf(
    { argument, name, db, scheduled }: ServedEntry,
    event: PipelineEvent,
    isNews: boolean,
    isRepeated: boolean,
  ): ServeEvent {
    const tz = scheduled?.rule.tz ?? null;
    return { ...event, at: this.#clock.wall(), argument, name, db, tz, isNews, isRepeated };
  }

  /** It is said again only for another reason. */
  refused(entry: ServedEntry, reason: string): void {
    if (entry.refusal === reason) return;
    entry.refusal = reason;
    const isRepeated = entry.said.refusal === reason;
    this.say(entry, { kind: "refused", reason }, !isRepeated, isRepeated);
    entry.said.refusal = reason;
    entry.said.servedAs = null;
  }

  /** A lock that goes on for as long as a slot may be late is said: no slot begins meanwhile, and none is missed yet. */
  unusable(entry: ServedEntry, problem: Unusable, now: number): void {
    if (problem.kind === "bad") return this.refused(entry, problem.reason);
    entry.lockedSince ??= now;
    if (now - entry.lockedSince < (entry.scheduled?.rule.startWithinMs ?? 0)) return;
    const since = zoneTime(machineZone())(entry.lockedSince);
    this.refused(entry, `${entry.db} is locked by another program since ${since}`);
  }

  /** @param error why no run began; null: one did */
  notStarted(entry: ServedEntry, error: string | null): { readonly isRepeated: boolean } {
    const isRepeated = error !== null && entry.said.notStarted === error;
    entry.said.notStarted = error;
    return { isRepeated };
  }

  // ── the row of a schedule ────────────────────────────────────────────────────────────────────────────

  /**
   * Takes over what the database has; a schedule that it does not have, or another rule, is first seen now. A database that was deleted
   * begins with what serve knows: a pause stays one, and of a trouble that was told the end is told too.
   * @returns those of the entries for which that is stored
   */
  adopt(
    db: string,
    entries: readonly ServedEntry[],
    histories: Histories,
    now: number,
  ): ServedEntry[] {
    const isNew = (entry: ServedEntry): boolean =>
      isOther(rowOf(histories, entry), ruleOf(entry), now);
    const changes = entries
      .filter(isNew)
      .flatMap((entry) =>
        seenChanges(entry, rowOf(histories, entry) === null, entry.firstSeen(now)),
      );
    const written = changes.length === 0 ? ok : this.#store.write(db, changes);
    return entries.filter((entry) => {
      const seenNow = isNew(entry);
      const isStored = !seenNow || written.kind === "ok";
      if (isStored) this.#adopt(entry, histories, seenNow ? entry.firstSeen(now) : null, now);
      else this.unusable(entry, written, now);
      return isStored;
    });
  }

  #adopt(entry: ServedEntry, histories: Histories, seenAt: number | null, now: number): void {
    const row = rowOf(histories, entry);
    entry.since = seenAt ?? row?.since ?? now;
    entry.refusal = null;
    entry.lockedSince = null;
    if (row !== null) {
      const isStored = (kind: Change["kind"]): boolean => !this.#isPending(entry, kind);
      if (isStored("trouble")) entry.trouble = row.trouble;
      if (isStored("stopped")) entry.stopped = row.stopped;
      if (isStored("pause")) this.#paused(entry, row.paused);
    }
    this.#postLeft(entry, row);
    this.#knowSuccess(entry, histories, now);
    if (!entry.isAdopted || entry.said.servedAs === null) this.#adopted(entry, now);
    entry.said.refusal = null;
  }

  /** The last slots may all have failed: then the one that was done is looked for once. */
  #knowSuccess(entry: ServedEntry, histories: Histories, now: number): void {
    const slots = histories.get(entry.name ?? "")?.slots ?? [];
    const done = slots.flatMap(({ status, finishedAt }) =>
      status === "done" ? (finishedAt ?? []) : [],
    );
    const isAsked = !entry.isAdopted && done.length === 0 && slots.length > 0;
    const older = isAsked ? this.#store.lastDone(entry.db ?? "", entry.name ?? "") : null;
    for (const at of older === null ? done : [older]) {
      if (at <= now) entry.counters.knownSuccess(at);
    }
  }

  #adopted(entry: ServedEntry, now: number): void {
    entry.isAdopted = true;
    const rule = entry.scheduled?.rule;
    const [first] = rule === undefined || entry.paused !== null ? [] : entry.next(rule, now, 1);
    const next = first?.start ?? null;
    // A module that a hundred files import may have been saved.
    const servedAs = JSON.stringify([entry.name, entry.db, ruleOf(entry)]);
    const isAgain = entry.said.refusal !== null;
    const isPaused = entry.paused !== null;
    this.say(entry, { kind: "served", next, isPaused }, isAgain, servedAs === entry.said.servedAs);
    entry.said.servedAs = servedAs;
  }

  /** Another process may have paused or resumed it. */
  #paused(entry: ServedEntry, paused: Pause | null): void {
    const before = entry.paused;
    entry.paused = paused;
    if (!entry.isAdopted || (before === null) === (paused === null)) return;
    const event =
      paused === null
        ? ({ kind: "resumed" } as const)
        : ({ kind: "paused", failures: paused.failures } as const);
    this.say(entry, event, false);
  }

  pause(entry: ServedEntry, failures: number): void {
    const pause = { at: this.#clock.wall(), failures };
    entry.paused = pause;
    // Told first: a serve that is killed between the two has told it, and the next one pauses after the next failure.
    this.#trouble(entry, { kind: "paused", slot: null }, { kind: "paused", failures });
    this.#write(entry, { kind: "pause", pause });
  }

  // ── troubles ─────────────────────────────────────────────────────────────────────────────────────────

  late(entry: ServedEntry, slot: number, why: string): void {
    if (entry.lateSlot === slot) return;
    entry.lateSlot = slot;
    entry.counters.late();
    const withinMs = entry.scheduled?.rule.startWithinMs ?? 0;
    // While slots are caught up, each of them is late: that is one trouble.
    if (entry.trouble?.kind === "late") return;
    this.#trouble(entry, { kind: "late", slot }, { kind: "late", slot, why, withinMs });
  }

  /** @returns when the next run of the entry takes longer than usual */
  slow(entry: ServedEntry, now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const process of entry.processes.values()) {
      const { slot, run, startedAt, slow } = process;
      if (run === null || slow === null) continue;
      if (startedAt + slow.afterMs > now) {
        next = Math.min(next, startedAt + slow.afterMs);
        continue;
      }
      process.slow = null;
      const forMs = now - startedAt;
      const event = { kind: "slow", slot, run, usualMs: slow.usualMs, forMs } as const;
      this.#trouble(entry, { kind: "slow", slot }, event);
    }
    return next;
  }

  failed(entry: ServedEntry, slot: number, event: PipelineEvent, isRepeated: boolean): void {
    this.#trouble(entry, { kind: "failed", slot }, event, isRepeated);
  }

  recovered(entry: ServedEntry, slot: number, run: number | null): void {
    if (entry.trouble === null) return;
    const from = entry.trouble.kind;
    this.#news(entry, null, { kind: "recovered", slot, run, from }, false);
  }

  #trouble(entry: ServedEntry, trouble: Trouble, event: PipelineEvent, isRepeated = false): void {
    const before = entry.trouble?.kind;
    const isNews =
      before === undefined || (before !== trouble.kind && !graver[trouble.kind].includes(before));
    if (isNews) this.#news(entry, trouble, event, isRepeated);
    else this.say(entry, event, false, isRepeated);
  }

  /** What is told once is stored together with its message, until that is delivered: a serve that is killed leaves both. */
  #news(
    entry: ServedEntry,
    trouble: Trouble | null,
    event: PipelineEvent,
    isRepeated: boolean,
  ): void {
    const told = this.#eventOf(entry, event, true, isRepeated);
    const bodies = this.#webhook === undefined ? [] : [bodyOf(told)];
    entry.trouble = trouble;
    entry.untold = [...(entry.untold ?? []), ...bodies].slice(-maxUntold);
    this.#write(entry, { kind: "trouble", trouble, untold: entry.untold });
    this.#tell(told);
    for (const body of bodies) this.#post(entry, body);
    this.changed();
  }

  /** What an earlier serve has not delivered. */
  #postLeft(entry: ServedEntry, row: ScheduleRow | null): void {
    if (entry.untold !== null) return;
    // Without a webhook they wait for a serve that has one.
    entry.untold = row?.untold ?? [];
    for (const body of entry.untold) this.#post(entry, body);
  }

  /** Its name or database may be another one when it is delivered, and another serve may have written to the row. */
  #post(entry: ServedEntry, body: string): void {
    const { db, name } = entry;
    this.#webhook?.send(body, () => {
      entry.untold = entry.untold?.filter((each) => each !== body) ?? null;
      this.#write({ db, name }, { kind: "delivered", body });
    });
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────

  stopped(entry: ServedEntry, slots: readonly number[]): void {
    entry.stopped = slots;
    this.#write(entry, { kind: "stopped", slots });
  }

  /** @returns whether no other program keeps something from being written */
  retry(): boolean {
    const kinds = Array.from(this.#pending, ([db, changes]) => this.#writeAll(db, changes));
    return !kinds.includes("later");
  }

  #write({ db, name }: Pick<ServedEntry, "db" | "name">, change: Change): void {
    if (db === null || name === null) return;
    const pending = this.#pending.get(db) ?? [];
    const isReplaced = ({ kind, pipeline }: ScheduleChange): boolean =>
      kind === change.kind && kind !== "delivered" && pipeline === name;
    const others = pending.filter((each) => !isReplaced(each));
    this.#writeAll(db, [...others, { ...change, pipeline: name }]);
  }

  /** Also what is no lock may pass: a full disk, a folder that was mounted to be read only. */
  #writeAll(db: string, changes: ScheduleChange[]): "ok" | Unusable["kind"] {
    const { kind } = this.#store.write(db, changes);
    if (kind === "ok") this.#pending.delete(db);
    else this.#pending.set(db, changes);
    return kind;
  }

  #isPending({ db, name }: ServedEntry, kind: Change["kind"]): boolean {
    const changes = this.#pending.get(db ?? "") ?? [];
    return changes.some((each) => each.pipeline === name && each.kind === kind);
  }
}

/** A slot that fails at each try is late, too, and a run that fails may be slow before: that is told already. */
const graver: Readonly<Record<Trouble["kind"], readonly Trouble["kind"][]>> = {
  slow: ["late", "failed"],
  late: ["failed"],
  failed: [],
  paused: [],
};

type Histories = ReadonlyMap<string, ScheduleHistory>;

function seenChanges(entry: ServedEntry, isNewRow: boolean, at: number): ScheduleChange[] {
  const pipeline = entry.name ?? "";
  const { paused: pause, trouble } = entry;
  const untold = entry.untold ?? [];
  return [
    { kind: "seen", pipeline, rule: ruleOf(entry), at },
    ...(isNewRow && pause !== null ? [{ kind: "pause" as const, pipeline, pause }] : []),
    ...(isNewRow && trouble !== null
      ? [{ kind: "trouble" as const, pipeline, trouble, untold }]
      : []),
  ];
}

const bodyOf = (event: ServeEvent): string => JSON.stringify(newsOf(event));

const ok = { kind: "ok" } as const;

const rowOf = (histories: Histories, { name }: ServedEntry): ScheduleRow | null =>
  histories.get(name ?? "")?.row ?? null;

const ruleOf = ({ scheduled }: ServedEntry): string =>
  scheduled === null ? "" : ruleKey(scheduled.rule);

const isOther = (row: ScheduleRow | null, rule: string, now: number): boolean =>
  row === null || row.rule !== rule || row.since > now + aheadMs;

type Change = ScheduleChange extends infer Each
  ? Each extends ScheduleChange
    ? Omit<Each, "pipeline">
    : never
  : never;
