// Sums committed events up. Bounded: it keeps the first failures and the slowest tasks, and counts the rest.

import type { RunStarted, TaskFinished } from "../protocol/events.ts";
import { failureLine } from "../base/failure.ts";
import { labelOf, titleOf } from "../protocol/label.ts";
import type { LeftTasks, RunSummary, TaskFailure } from "../protocol/summary.ts";

const maxFailures = 20;
const maxGroups = 1000;
/** Tasks of a group. */
const maxNamed = 3;
const maxSlowest = 5;

/** The part of a summary that is known only at the end of the run. */
export type End = LeftTasks &
  Pick<RunSummary, "status" | "failure" | "finishedAt" | "alreadyDone" | "rerun">;

export class SummaryCollector {
  readonly #counts = { done: 0, error: 0, cancelled: 0, skipped: 0 };
  readonly #failures: TaskFailure[] = [];
  readonly #groups = new Map<string, { count: number; readonly tasks: string[] }>();
  #slowest: RunSummary["slowest"][number][] = [];
  #retries = 0;
  #reused = 0;

  /** Tasks that have ended in this session. */
  get ended(): number {
    const { done, error, cancelled, skipped } = this.#counts;
    return done + error + cancelled + skipped;
  }

  add(event: TaskFinished): void {
    this.#counts[event.status]++;
    if (event.reason !== undefined) this.#reused++;
    if (event.attempt > 1) this.#retries += event.attempt - 1;
    if (event.startedAt !== null) this.#time(event, event.at - event.startedAt);
    if (event.status === "error") this.#failed(event);
  }

  /** Tasks that an earlier session has done and this one does not plan: skipped, and not announced. */
  left(tasks: number): void {
    this.#counts.skipped += tasks;
  }

  #time(event: TaskFinished, durationMs: number): void {
    const last = this.#slowest[maxSlowest - 1];
    if (last !== undefined && last.durationMs >= durationMs) return;
    const { id, name } = event;
    this.#slowest = [...this.#slowest, { id, name, ...labelIn(event), durationMs }]
      .toSorted((a, b) => b.durationMs - a.durationMs)
      .slice(0, maxSlowest);
  }

  #failed(event: TaskFinished): void {
    const { id, name, attempt, failure, input = "" } = event;
    if (failure === undefined)
      throw new Error(`Internal error: task ${id} failed without a failure`);
    if (this.#failures.length < maxFailures) {
      this.#failures.push({ id, name, ...labelIn(event), attempt, failure, input });
    }
    const line = failureLine(failure);
    const group = this.#groups.get(line) ?? { count: 0, tasks: [] };
    if (group.count === 0 && this.#groups.size < maxGroups) this.#groups.set(line, group);
    group.count++;
    if (group.tasks.length < maxNamed) group.tasks.push(titleOf(name, labelOf(event)));
  }

  finish(started: RunStarted, end: End): RunSummary {
    const { done, error, cancelled, skipped } = this.#counts;
    return {
      run: started.run,
      pipeline: started.pipeline,
      file: started.file,
      db: started.db,
      status: end.status,
      failure: end.failure,
      total: end.alreadyDone + this.ended + end.queued + end.interrupted,
      done: done + end.alreadyDone,
      failed: error,
      cancelled,
      skipped,
      queued: end.queued,
      interrupted: end.interrupted,
      retries: this.#retries,
      reused: this.#reused,
      alreadyDone: end.alreadyDone,
      startedAt: started.at,
      finishedAt: end.finishedAt,
      failures: this.#failures,
      failureGroups: [...this.#groups]
        .map(([message, { count, tasks }]) => ({ message, count, tasks }))
        .toSorted((a, b) => b.count - a.count)
        .slice(0, maxFailures),
      rerun: error === 0 ? null : end.rerun,
      slowest: this.#slowest,
    };
  }
}

function labelIn(event: TaskFinished): { label?: string } {
  const label = labelOf(event);
  return label === undefined ? {} : { label };
}
