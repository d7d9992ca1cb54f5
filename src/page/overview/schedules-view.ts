// Schedules: when they run next, and what became of their last slots. `serve` knows which there are, and what never ran; the databases
// have what ran, also before `serve` began.

import { Date, Promise } from "../../base/globals.ts";
import { systemClock } from "../../base/clock.ts";
import type { Served, ServedPipeline, ServedState, SlotRecord } from "../../serve/served.ts";
import { pipelinesWithSlots, slotRows } from "../../store/read/slot-list.ts";
import { text } from "../../store/read/stored-values.ts";
import { type Asked, wholeIn } from "../asked.ts";
import type {
  ScheduleBrief,
  ScheduleState,
  SchedulesView,
  SlotBar,
} from "../contract-schedules.ts";
import { barOf, withDead } from "../data/runs-view.ts";
import type { PageDatabase } from "../page-database.ts";
import { addressId } from "./address-id.ts";
import { isThere } from "./served-databases.ts";
import type { PageOverview } from "./page-overview.ts";
import type { Place } from "./shown.ts";

const maxShown = 50;
/** Bars of a schedule. */
const maxSlots = 30;

/** `?text=&offset=` */
export async function schedulesView(
  overview: PageOverview,
  { search }: Asked,
): Promise<SchedulesView> {
  const { shown } = overview;
  const { served } = shown;
  const words = (search.get("text") ?? "").toLowerCase();
  const offset = wholeIn(search, "offset") ?? 0;
  if (served === undefined) return ofRuns(shown.of(null), words, offset);
  const now = served.served();
  const wanted = now.pipelines.filter((each) => isFound(each, words)).toSorted(inOrder);
  const places = new Map<string | null, Place>(shown.places.map((place) => [place.path, place]));
  const schedules: ScheduleBrief[] = [];
  for (const pipeline of wanted.slice(offset, offset + maxShown)) {
    schedules.push(briefOf(overview, pipeline, places.get(pipeline.db)));
    await new Promise<void>((resolve) => systemClock.soon(resolve));
  }
  return {
    serve: { startedAt: now.startedAt, health: now.health },
    schedules,
    offset,
    total: wanted.length,
    troubled: troubledOf(now),
  };
}

const isFound = ({ name, argument }: ServedPipeline, words: string): boolean =>
  `${name ?? ""}\n${argument}`.toLowerCase().includes(words);

const troubledOf = ({ pipelines }: Served): number =>
  pipelines.filter((each) => rankOf(each) < ranks.paused).length;

// ── in which order ─────────────────────────────────────────────────────────────────────────────────────

const ranks = { stopped: 0, failed: 1, paused: 2, fine: 3 } as const;

/** What does not run although somebody thinks that it does comes first. */
function rankOf(pipeline: ServedPipeline): number {
  const { state, slots } = pipeline;
  if (state.kind === "paused" && state.by.kind === "person") return ranks.paused;
  if (state.kind !== "ok") return ranks.stopped;
  const isBad = troubleOf(pipeline) !== null || slots.at(-1)?.kind === "missed";
  return isBad ? ranks.failed : ranks.fine;
}

/** Not by the next times: those of every minute would change places while a person reaches for a button. */
const inOrder = (a: ServedPipeline, b: ServedPipeline): number =>
  rankOf(a) - rankOf(b) || (a.name ?? a.argument).localeCompare(b.name ?? b.argument);

// ── of serve ───────────────────────────────────────────────────────────────────────────────────────────

/** Of the address of its actions: made of what tells it from others. */
export const scheduleId = ({ argument }: Pick<ServedPipeline, "argument">): number =>
  addressId(argument);

function briefOf(
  overview: PageOverview,
  pipeline: ServedPipeline,
  place: Place | undefined,
): ScheduleBrief {
  const { name, file, schedule, state, next, running, waiting, counts } = pipeline;
  const ran = name === null || place === undefined ? [] : slotsIn(overview, place, name);
  return {
    // Its schedule can neither be paused nor resumed: for that, the file is loaded.
    id: state.kind === "broken" ? null : scheduleId(pipeline),
    name,
    file,
    database: place?.id ?? null,
    hasRun: ran.length > 0,
    text: schedule?.text ?? null,
    tz: schedule === null ? null : (schedule.tz ?? localZone),
    state: stateOf(state),
    trouble: troubleOf(pipeline),
    next,
    running: running.map(({ slot, run }) => ({ slot, run })),
    waiting: waiting === null ? null : { slot: waiting.slot, why: waiting.why },
    slots: merged(ran, pipeline),
    missed: counts.missed,
    skipped: counts.skipped,
    late: counts.late,
  };
}

/** Asked once: it takes milliseconds. */
const localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

function stateOf(state: ServedState): ScheduleState {
  if (state.kind !== "paused") return state;
  const { since, by } = state;
  return { kind: "paused", since, failures: by.kind === "failures" ? by.count : null };
}

/** Of one that is broken or paused, that is what is wrong with it. */
function troubleOf({ state, trouble }: ServedPipeline): ScheduleBrief["trouble"] {
  if (state.kind !== "ok" || trouble === null) return null;
  // It was paused because it had failed, and goes on: no slot is done yet.
  return { kind: trouble.kind === "paused" ? "failed" : trouble.kind, slot: trouble.slot };
}

/** A database that cannot be read is told with the pipelines: a schedule goes on without its bars. */
function slotsIn(overview: PageOverview, place: Place, pipeline: string): readonly SlotBar[] {
  if (!isThere(place)) return [];
  try {
    return overview.slots.of(place.path, pipeline, () =>
      overview.look(place, (database) => slotsOf(database, pipeline)),
    );
  } catch {
    return [];
  }
}

function merged(ran: readonly SlotBar[], { slots, running }: ServedPipeline): readonly SlotBar[] {
  const bySlot = new Map(ran.map((bar) => [bar.slot, bar]));
  for (const record of slots) {
    const known = bySlot.get(record.slot);
    const bar = barOfRecord(record);
    bySlot.set(
      record.slot,
      known === undefined ? bar : { ...known, delayMs: bar.delayMs, why: bar.why },
    );
  }
  for (const { slot, run, startedAt } of running) {
    const begun = { slot, run, startedAt, finishedAt: null, delayMs: null, why: null };
    if (!bySlot.has(slot)) bySlot.set(slot, { ...begun, state: "running" });
  }
  return [...bySlot.values()].toSorted((a, b) => a.slot - b.slot).slice(-maxSlots);
}

function barOfRecord(record: SlotRecord): SlotBar {
  const { slot, kind, why } = record;
  if (kind !== "ran") {
    const nothing = { run: null, startedAt: null, finishedAt: null, delayMs: null };
    return { slot, state: kind, ...nothing, why };
  }
  const { run, startedAt, finishedAt, outcome, delayMs } = record;
  return { slot, state: outcome, run, startedAt, finishedAt, delayMs, why };
}

// ── of a database ──────────────────────────────────────────────────────────────────────────────────────

/** Oldest first. */
const slotsOf = (database: PageDatabase, pipeline: string): SlotBar[] =>
  withDead(database, (dead) =>
    slotRows(database.reader, pipeline, maxSlots).flatMap((row) => {
      const slot = Date.parse(text(row["scheduled_for"]) ?? "");
      // Users can edit the table.
      if (Number.isNaN(slot)) return [];
      const { id, status, startedAt, finishedAt } = barOf(row, dead, database.reader);
      return [{ slot, state: status, run: id, startedAt, finishedAt, delayMs: null, why: null }];
    }),
  ).toReversed();

/** Without `serve`, what ran is known. */
function ofRuns(database: PageDatabase, words: string, offset: number): SchedulesView {
  const names = withDead(database, () => pipelinesWithSlots(database.reader)).filter((name) =>
    name.toLowerCase().includes(words),
  );
  const schedules = names.slice(offset, offset + maxShown).map((name): ScheduleBrief => ({
    id: null,
    name,
    file: null,
    database: null,
    hasRun: true,
    text: null,
    tz: null,
    state: { kind: "unknown" },
    trouble: null,
    next: [],
    running: [],
    waiting: null,
    slots: slotsOf(database, name),
    missed: 0,
    skipped: 0,
    late: 0,
  }));
  return { serve: null, schedules, offset, total: names.length, troubled: 0 };
}
