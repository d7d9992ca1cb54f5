// Says once for each definition that a task takes much longer than in earlier runs: when it ends, or while it runs.

import { Alarm } from "../base/alarm.ts";
import { systemClock } from "../base/clock.ts";
import type { LearnedTask } from "../protocol/learned.ts";
import type { TaskFinished, TaskSlow } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { Inputs } from "./inputs.ts";
import type { TaskTimes } from "./task-times.ts";

/** Fewer tasks say little of what is usual. */
const leastTasks = 20;
/** Slow: longer than this many times the p95, */
const factor = 2;
/** and at least this long: a pause of the machine makes a short task take many times as long. */
const leastMs = 1000;
/** How often the running tasks are looked at. */
const everyMs = 1000;

/** From which duration on a task is slow; undefined where too little is known. */
export const slowFromMs = ({ tasks, p95Ms }: LearnedTask): number | undefined =>
  tasks < leastTasks ? undefined : Math.max(factor * p95Ms, leastMs);

type SlowWatchDeps = {
  readonly times: Pick<TaskTimes, "learnedOf" | "hasLearned">;
  readonly inFlight: Iterable<TaskVertex>;
  readonly inputs: Pick<Inputs, "shown">;
  onEvents(events: readonly TaskSlow[]): void;
};

export class SlowWatch {
  readonly #deps: SlowWatchDeps;
  readonly #alarm = new Alarm(() => this.#look());
  /** Definitions that have had their line. */
  readonly #said = new Set<string>();
  /** Found while a batch of events is applied; to be said after it. */
  #found: TaskSlow[] = [];

  constructor(deps: SlowWatchDeps) {
    this.#deps = deps;
  }

  /** What earlier runs say is known. */
  begin(): void {
    if (this.#deps.times.hasLearned) this.#alarm.set(systemClock.now() + everyMs);
  }

  end(): void {
    this.#alarm.set(undefined);
  }

  finished(vertex: TaskVertex, { startedAt, at }: TaskFinished): void {
    if (startedAt !== null && at - startedAt >= leastMs) this.#check(vertex, startedAt, at, false);
  }

  /** To be called when the events of a commit are out. */
  flush(): void {
    if (this.#found.length === 0) return;
    const found = this.#found;
    this.#found = [];
    this.#deps.onEvents(found);
  }

  #look(): void {
    this.#alarm.set(systemClock.now() + everyMs);
    const now = systemClock.wall();
    for (const vertex of this.#deps.inFlight) {
      if (vertex.startedAt !== undefined) this.#check(vertex, vertex.startedAt, now, true);
    }
    this.flush();
  }

  #check(vertex: TaskVertex, startedAt: number, at: number, isRunning: boolean): void {
    const learned = this.#deps.times.learnedOf(vertex);
    if (learned === undefined || this.#said.has(learned.task)) return;
    const fromMs = slowFromMs(learned);
    const durationMs = at - startedAt;
    if (fromMs === undefined || durationMs < fromMs) return;
    const { task, p95Ms, runs } = learned;
    this.#said.add(task);
    this.#found.push({
      type: "task-slow",
      id: vertex.id as TaskId,
      name: vertex.name,
      task,
      at,
      durationMs,
      isRunning,
      p95Ms: Math.max(1, Math.round(p95Ms)),
      runs,
      label: vertex.label,
      input: this.#deps.inputs.shown(vertex),
    });
  }
}
