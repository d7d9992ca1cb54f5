// How long the tasks of each definition take: what earlier runs say, and what this one sees. It gives the remaining time, the
// order among equals, and what the next runs learn.

import type { AnyTaskDefinition } from "../api/task-definition.ts";
import { Histogram } from "../base/histogram.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { Learned, LearnedTask, SessionDurations } from "../protocol/learned.ts";
import { type DefinitionTime, maxDefinitionTimes } from "../protocol/summary.ts";
import type { TaskId } from "../protocol/ids.ts";
import {
  learnedWeight,
  remainingMs,
  type RunningTask,
  type Situation,
  stretchOf,
} from "../protocol/forecast.ts";

/** A task of this run changes the mean by this part at least: the last 50 tasks count. */
const mostWeight = 50;
/** Of more running tasks, it is not asked how long each has run: none of them decides when the run ends. */
const maxWatched = 1000;
/** The order of shorter tasks does not matter. */
const shortMs = 64;

/** Tasks whose expected durations differ by less than a factor of 2 are of one class, and keep the author's order. */
export const durationClasses = 32;

export type Progress = {
  readonly slots: number;
  /** Tasks that will come and are not planned yet. */
  readonly expected: number;
  /** Since the session began. */
  readonly elapsedMs: number;
};

type InFlight = Iterable<TaskVertex> & { readonly size: number };

export class TaskTimes {
  /** Nothing is kept of this run, so nothing need be counted. */
  readonly #isKept: boolean;
  readonly #nameOf: (definition: string) => string;
  readonly #all = new Map<AnyTaskDefinition, DefinitionTimes>();
  readonly #learned = new Map<string, LearnedTask>();
  readonly #progress = new Map<TaskId, number>();
  #stretch = 1;
  /** Duration of a task of a definition that nothing is known of. */
  #usualMs = 0;
  /** Cache: equal tasks follow each other. */
  #last: DefinitionTimes | undefined;

  /** @param nameOf a definition's name as it is in the file */
  constructor(isKept: boolean, nameOf: (definition: string) => string) {
    this.#isKept = isKept;
    this.#nameOf = nameOf;
  }

  get hasLearned(): boolean {
    return this.#learned.size > 0;
  }

  /** Before the first task is dispatched. */
  learn({ definitions, stretch }: Learned): void {
    this.#stretch = stretch;
    for (const learned of definitions) this.#learned.set(learned.task, learned);
    const tasks = definitions.reduce((sum, of) => sum + of.tasks, 0);
    const totalMs = definitions.reduce((sum, of) => sum + of.meanMs * of.tasks, 0);
    this.#usualMs = tasks === 0 ? 0 : totalMs / tasks;
    for (const times of this.#all.values()) this.#tell(times);
  }

  #tell(times: DefinitionTimes): void {
    const learned = this.#learned.get(this.#nameOf(times.definition.name));
    if (learned !== undefined) times.learn(learned);
    times.durationClass = classOf(learned?.meanMs ?? this.#usualMs);
  }

  learnedOf({ definition }: TaskVertex): LearnedTask | undefined {
    return this.#of(definition).learned;
  }

  // ── the hot path ──

  planned({ definition, stage }: TaskVertex): void {
    if (this.#isKept) add(this.#of(definition).left, stage, 1);
  }

  /** The task has ended, and this session has not run it. */
  passed({ definition, stage }: TaskVertex): void {
    if (this.#isKept) add(this.#of(definition).left, stage, -1);
  }

  /** @param durationMs of a task that is done; undefined otherwise */
  ran({ id, definition, stage }: TaskVertex, durationMs: number | undefined): void {
    if (!this.#isKept) return;
    const times = this.#of(definition);
    add(times.left, stage, -1);
    add(times.ran, stage, 1);
    if (durationMs !== undefined) times.add(durationMs);
    if (id !== 0 && this.#progress.size > 0) this.#progress.delete(id);
  }

  #of(definition: AnyTaskDefinition): DefinitionTimes {
    if (this.#last?.definition === definition) return this.#last;
    let times = this.#all.get(definition);
    if (times === undefined) {
      times = new DefinitionTimes(definition, this.#all.size);
      if (this.hasLearned) this.#tell(times);
      this.#all.set(definition, times);
    }
    this.#last = times;
    return times;
  }

  // ── the remaining time ──

  progressed(id: TaskId, progress: number): void {
    if (this.hasLearned) this.#progress.set(id, progress);
  }

  /** The attempt has ended and another one follows. */
  retried(id: TaskId): void {
    this.#progress.delete(id);
  }

  /**
   * @param now epoch ms
   * @returns undefined where earlier runs say nothing
   */
  remainingMs(progress: Progress, inFlight: InFlight, now: number): number | undefined {
    if (!this.hasLearned) return undefined;
    return remainingMs(this.#situation(progress, this.#running(inFlight, now)));
  }

  #running(inFlight: InFlight, now: number): RunningTask[] {
    const running: RunningTask[] = [];
    if (inFlight.size > maxWatched) return running;
    for (const { id, definition, stage, startedAt } of inFlight) {
      if (id === 0 || startedAt === undefined) continue;
      const times = this.#of(definition);
      const elapsedMs = Math.max(0, now - startedAt);
      const progress = this.#progress.get(id);
      running.push({
        definition: times.index,
        stage,
        elapsedMs,
        progress,
        ...times.restAfter(elapsedMs),
      });
    }
    return running;
  }

  #situation(progress: Progress, running: readonly RunningTask[]): Situation {
    const all = [...this.#all.values()];
    const tasks = all.reduce((sum, { seen }) => sum + seen.size, 0);
    const seenMs = all.reduce((sum, { totalMs }) => sum + totalMs, 0);
    const usualMs = tasks === 0 ? this.#usualMs : seenMs / tasks;
    const counts = all.map(({ left, ran, meanMs = usualMs }) => ({ left, ran, meanMs }));
    return { ...progress, counts, running, stretch: this.#stretch };
  }

  // ── the order ──

  /** Earlier runs say that some tasks take longer than others. */
  get isMixed(): boolean {
    const classes = [...this.#learned.values()].map(({ meanMs }) => classOf(meanMs));
    return Math.min(...classes) < Math.max(...classes);
  }

  /** Of tasks that are equal otherwise, the one of the highest class starts first: the run does not end with one long task. */
  classOf({ definition }: TaskVertex): number {
    return this.#of(definition).durationClass;
  }

  // ── the end ──

  /** The definitions that took most time. */
  longest(): readonly DefinitionTime[] {
    return [...this.#all.values()]
      .filter(({ seen }) => seen.size > 0)
      .toSorted((a, b) => b.totalMs - a.totalMs)
      .slice(0, maxDefinitionTimes)
      .map(({ definition, seen, totalMs }) => ({
        task: this.#nameOf(definition.name),
        tasks: seen.size,
        totalMs,
      }));
  }

  /**
   * What later runs learn.
   * @param isWhole the session has run all that there was; undefined where nothing is kept
   */
  session(progress: Progress, isWhole: boolean): SessionDurations | undefined {
    const definitions = [...this.#all.values()].filter(({ seen }) => seen.size > 0);
    if (definitions.length === 0) return undefined;
    return {
      definitions: definitions.map(({ definition, seen, totalMs }) => ({
        task: this.#nameOf(definition.name),
        tasks: seen.size,
        totalMs,
        counts: seen.counts,
      })),
      stretch: isWhole ? stretchOf(this.#situation(progress, [])) : null,
    };
  }
}

class DefinitionTimes {
  readonly definition: AnyTaskDefinition;
  readonly index: number;
  /** By stage: tasks that have not ended, and tasks that this session has run. */
  readonly left: number[] = [];
  readonly ran: number[] = [];
  /** Of this session. */
  readonly seen = new Histogram();
  totalMs = 0;
  /** Undefined until something is known. */
  meanMs: number | undefined;
  #weight = 0;
  learned: LearnedTask | undefined;
  durationClass = 0;
  readonly #earlier = new Histogram();

  constructor(definition: AnyTaskDefinition, index: number) {
    this.definition = definition;
    this.index = index;
  }

  learn(learned: LearnedTask): void {
    this.learned = learned;
    this.#earlier.addCounts(learned.counts);
    this.meanMs = learned.meanMs;
    this.#weight = learnedWeight;
  }

  /**
   * Durations may be skewed: a task that has run for as long as most take will probably run for much longer. Of the tasks of
   * earlier runs and of this one, those count that took longer.
   */
  restAfter(elapsedMs: number): Pick<RunningTask, "usualRestMs" | "longestMs"> {
    const [before, here] = [this.#earlier.after(elapsedMs), this.seen.after(elapsedMs)];
    const weights = [
      before.part * learnedWeight,
      here.part * Math.min(this.seen.size, mostWeight),
    ] as const;
    const weight = weights[0] + weights[1];
    const restMs = (weights[0] * before.restMs + weights[1] * here.restMs) / weight;
    return {
      usualRestMs: weight === 0 ? undefined : restMs,
      longestMs: Math.max(this.#earlier.longestMs, this.seen.longestMs),
    };
  }

  /** The more tasks this run has seen, the less do earlier runs count. */
  add(durationMs: number): void {
    this.seen.add(durationMs);
    this.totalMs += durationMs;
    if (this.#weight < mostWeight) this.#weight++;
    const before = this.meanMs ?? durationMs;
    this.meanMs = before + (durationMs - before) / this.#weight;
  }
}

const classOf = (expectedMs: number): number =>
  expectedMs < 2 * shortMs
    ? 0
    : Math.min(Math.floor(Math.log2(expectedMs / shortMs)), durationClasses - 1);

function add(counts: number[], stage: number, change: number): void {
  while (counts.length <= stage) counts.push(0);
  counts[stage] = (counts[stage] ?? 0) + change;
}
