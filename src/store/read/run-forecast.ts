// The remaining time of a run of another process, as that process computes it: from what earlier runs say of its tasks, and from
// what its file says of them now.

import { systemClock } from "../../base/clock.ts";
import { Histogram } from "../../base/histogram.ts";
import { toIso } from "../../base/iso-time.ts";
import { learnedWeight, type RunningTask, remainingMs } from "../../protocol/forecast.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { Learned, LearnedTask } from "../../protocol/learned.ts";
import { type DefinitionProgress, definitionProgress, runningRows } from "./definition-progress.ts";
import { learnedDurations } from "./learned-durations.ts";
import { storedGraph } from "./stored-graph.ts";
import { ReaderError } from "./reader-error.ts";
import type { Queries } from "../queries.ts";

/** How often the file is read for it, */
const everyMs = 1_000;
/** and how long it rests, in times of what that took. */
const rest = 10;
/** Of a larger run, the recent rate says enough, and each of its rows would be read. */
const maxTasks = 20_000;

type FollowedRun = {
  readonly id: RunId;
  readonly pipeline: string;
  readonly file: string | null;
};

const noProgress = { left: 0, ran: 0, ended: 0, done: 0, doneMs: 0 };

type Known = LearnedTask & { readonly histogram: Histogram };

export class RunForecast {
  readonly #db: Queries;
  readonly #run: RunId;
  readonly #learned: Learned | undefined;
  readonly #known: ReadonlyMap<string, Known>;
  /** The model's time begins with the oldest task that runs now: wall clock. What ended before says nothing of it. */
  readonly #since: number;
  /** The most tasks that were seen running at once. */
  #slots = 1;
  /** The estimated end and when to look again, monotonic ms. */
  #endsAt: number | undefined;
  #looksAt = 0;

  constructor(db: Queries, { id, pipeline, file }: FollowedRun) {
    this.#db = db;
    this.#run = id;
    this.#learned = unlessUnreadable(() => learnedDurations(db, { pipeline, file }));
    const running = unlessUnreadable(() => runningRows(db, id)) ?? [];
    this.#since = Math.min(systemClock.wall(), ...running.map(({ startedAt }) => startedAt));
    this.#known = new Map(this.#learned?.definitions.map((task) => [task.task, known(task)]));
  }

  /** @param total tasks of the run. @returns undefined where earlier runs say nothing */
  remainingMs(total: number): number | undefined {
    if (this.#learned === undefined || total > maxTasks) return undefined;
    const now = systemClock.now();
    if (now >= this.#looksAt) {
      const { stretch } = this.#learned;
      const leftMs = unlessUnreadable(() => this.#look(total, stretch));
      const tookMs = systemClock.now() - now;
      this.#looksAt = now + Math.max(everyMs, rest * tookMs);
      this.#endsAt = leftMs === undefined ? undefined : now + leftMs;
    }
    return this.#endsAt === undefined ? undefined : Math.max(1, this.#endsAt - now);
  }

  #look(total: number, stretch: number): number | undefined {
    const seen = definitionProgress(this.#db, this.#run, toIso(this.#since));
    const rows = seen.reduce((sum, each) => sum + each.left, 0);
    const unseen = total - rows - this.#endedOf(seen);
    const all = this.#withUnseen(seen, unseen);
    const running = this.#running(all);
    this.#slots = Math.max(this.#slots, running.length);
    const planned = all.reduce((sum, { left }) => sum + left, 0);
    return remainingMs({
      slots: this.#slots,
      // Each definition is a stage: they mostly follow each other.
      counts: all.map((each, stage) => ({
        meanMs: this.#meanOf(each),
        left: at(stage, each.left),
        ran: at(stage, each.ran),
      })),
      running,
      expected: Math.max(0, unseen - (planned - rows)),
      elapsedMs: Math.max(0, systemClock.wall() - this.#since),
      stretch,
    });
  }

  #endedOf(seen: readonly DefinitionProgress[]): number {
    return seen.reduce((sum, { ended }) => sum + ended, 0);
  }

  /**
   * Tasks get their rows when they can begin. The others are those that the graph has planned; where a file has no graph, as many as in
   * earlier runs.
   * @param most how many there are
   */
  #withUnseen(seen: readonly DefinitionProgress[], most: number): readonly DefinitionProgress[] {
    const planned = this.#planned();
    const own = new Map(seen.map((each) => [each.task, each]));
    const later = [...planned.keys(), ...this.#known.keys()].filter((task) => !own.has(task));
    let room = Math.max(0, most);
    const withUnseen = (task: string): DefinitionProgress => {
      const progress = own.get(task) ?? { ...noProgress, task };
      const expected = planned.size > 0 ? (planned.get(task) ?? 0) : this.#usual(task);
      const unseen = Math.min(room, Math.max(0, expected - progress.left - progress.ended));
      room -= unseen;
      return { ...progress, left: progress.left + unseen };
    };
    // Those without any row come first: it is certain that they have not run.
    const begins = [...new Set(later)].map(withUnseen);
    return [...[...own.keys()].map(withUnseen), ...begins];
  }

  /** How many tasks a definition has in a run. */
  #usual(task: string): number {
    const { tasks = 0, runs = 1 } = this.#known.get(task) ?? {};
    return Math.round(tasks / Math.max(1, runs));
  }

  #planned(): ReadonlyMap<string, number> {
    const { nodes } = storedGraph(this.#db, this.#run);
    return new Map(nodes.flatMap((node) => (node.kind === "task" ? [[node.id, node.tasks]] : [])));
  }

  #meanOf({ task, done, doneMs }: DefinitionProgress): number {
    const learned = this.#known.get(task);
    if (learned === undefined) return done === 0 ? 0 : doneMs / done;
    return (learned.meanMs * learnedWeight + doneMs) / (learnedWeight + done);
  }

  #running(all: readonly DefinitionProgress[]): readonly RunningTask[] {
    const now = systemClock.wall();
    return runningRows(this.#db, this.#run).flatMap(({ task, startedAt, progress }) => {
      const definition = all.findIndex((each) => each.task === task);
      if (definition < 0) return [];
      const elapsedMs = Math.max(0, now - startedAt);
      const histogram = this.#known.get(task)?.histogram;
      const after = histogram?.after(elapsedMs);
      return {
        definition,
        stage: definition,
        elapsedMs,
        progress: progress === 0 ? undefined : progress,
        usualRestMs: after === undefined || after.part === 0 ? undefined : after.restMs,
        longestMs: histogram?.longestMs,
      };
    });
  }
}

/** An earlier version of pipeloom may write the file, or it is gone: that is said elsewhere. */
function unlessUnreadable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof ReaderError) return undefined;
    throw thrown;
  }
}

function known(task: LearnedTask): Known {
  const histogram = new Histogram();
  histogram.addCounts(task.counts);
  return { ...task, histogram };
}

/** `count` at an index, and 0 before it. */
const at = (index: number, count: number): number[] =>
  Array.from({ length: index + 1 }, (_, i) => (i === index ? count : 0));
