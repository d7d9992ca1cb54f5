// Applies committed outcomes to the graph, the schedule and the summary.

import { systemClock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import { parseFailure } from "../base/stored-failure.ts";
import { assertNever } from "../base/unreachable.ts";
import type { RunEvent, RunStarted, TaskFinished, TaskRetrying } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import { labelOf } from "../protocol/label.ts";
import type { CommittedEvent, RestoredTask } from "../protocol/messages.ts";
import type { MainRecord } from "../protocol/writer-records.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { LeftTasks, RunSummary } from "../protocol/summary.ts";
import type { Graph } from "../plan/graph.ts";
import { doneUnread, type TaskVertex } from "../plan/vertex.ts";
import type { Backlog } from "./backlog.ts";
import type { Identities } from "./identities.ts";
import type { InFlight } from "./in-flight.ts";
import type { Inputs } from "./inputs.ts";
import type { Life, Stop } from "./life.ts";
import { leftNotice } from "./notices.ts";
import type { Which } from "./restored-tasks.ts";
import type { Schedule } from "./schedule.ts";
import type { SlowWatch } from "./slow-watch.ts";
import type { StoredResults } from "./stored-results.ts";
import { type End, SummaryCollector } from "./summary-collector.ts";
import { droppedRecord, queuedRecord, skippedRecord } from "./task-records.ts";
import type { TaskTimes } from "./task-times.ts";
import type { TimeoutWatch } from "./timeout-watch.ts";

/** Tasks of larger plans get their row when they end: two writes for each would cost too much. */
const maxRecordedPlan = 1000;

type OutcomesDeps = {
  readonly life: Life;
  readonly graph: Graph;
  readonly schedule: Pick<Schedule, "addAt">;
  readonly inFlight: InFlight;
  readonly inputs: Inputs;
  readonly identities: Identities;
  readonly stored: StoredResults;
  readonly backlog: Backlog;
  readonly timeouts: Pick<TimeoutWatch, "watch">;
  readonly times: Pick<TaskTimes, "ran" | "passed" | "progressed" | "retried">;
  readonly slow: Pick<SlowWatch, "finished">;
  /** The first task that is not optional and fails ends the run. */
  readonly failFast: boolean;
  print(level: LogLevel, line: string): void;
  /** The command that runs the failed tasks again, or null. */
  rerun(started: RunStarted, status: RunSummary["status"]): string | null;
  /** The attempt's end is committed; undefined where the task is not in flight. */
  release(id: TaskId): TaskVertex | undefined;
  record(records: readonly MainRecord[]): void;
  endEarly(stop: Stop): void;
  /** For the pipeline's `onTaskFinish`. */
  taskFinished(event: TaskFinished): void;
  onEvents(events: readonly RunEvent[]): void;
};

export class Outcomes {
  readonly #deps: OutcomesDeps;
  readonly #summary = new SummaryCollector();
  /** Skipped while the run was opening: there was no file to record them in. */
  #early: { readonly vertex: TaskVertex; readonly failure: Failure }[] = [];
  /** Of a cancelled run: tasks that depend on cancelled ones. A later session may still run them: they are not skipped. */
  readonly #undecided: TaskVertex[] = [];
  /** A task that was not optional has failed. */
  #hasFailed = false;
  /** Why the run fails, where it is not because of a task. */
  #failure: Failure | undefined;

  constructor(deps: OutcomesDeps) {
    this.#deps = deps;
  }

  /** The status of a run that has nothing left to do. */
  get status(): "done" | "error" {
    return this.#hasFailed ? "error" : "done";
  }

  get failure(): Failure | null {
    return this.#failure ?? null;
  }

  /** Tasks are in flight only where the writer has failed: otherwise the run waits for their ends. */
  get left(): LeftTasks {
    const { graph, stored, inFlight } = this.#deps;
    let interrupted = 0;
    for (const { startedAt } of inFlight) if (startedAt !== undefined) interrupted++;
    const open = graph.live + this.#undecided.length - stored.size;
    return { queued: open - interrupted, interrupted };
  }

  /** The run has begun. */
  begin(): void {
    const early = this.#early;
    this.#early = [];
    for (const { vertex, failure } of early) this.skipped(vertex, failure);
  }

  /** Records the tasks of a small plan as queued, so that the file shows the tasks that are still to come. */
  recordPlanned(): void {
    if (this.#deps.graph.tasks <= maxRecordedPlan) this.recordQueued();
  }

  // ── committed outcomes ──

  apply(event: CommittedEvent): void {
    switch (event.type) {
      case "task-started": {
        const vertex = this.#deps.inFlight.get(event.id);
        if (vertex === undefined) return;
        vertex.startedAt = event.at;
        if (vertex.timeoutMs !== undefined) this.#deps.timeouts.watch(event.id, vertex.timeoutMs);
        return;
      }
      case "task-checkpoint": {
        const vertex = this.#deps.inFlight.get(event.id);
        if (vertex !== undefined) vertex.cursor = event.cursor;
        return;
      }
      case "task-retrying":
        return this.#retrying(event);
      case "task-finished":
        return this.#finished(event);
      case "task-progress":
        return this.#deps.times.progressed(event.id, event.progress);
      case "task-log":
      case "run-total":
        return;
      default:
        assertNever(event);
    }
  }

  #retrying(event: TaskRetrying): void {
    const vertex = this.#deps.release(event.id);
    if (vertex === undefined) return;
    vertex.attempt = event.attempt;
    this.#deps.times.retried(event.id);
    // The wall clock may have been set since: only the difference counts.
    const delayMs = Math.max(event.retryAt - event.at, 0);
    this.#deps.schedule.addAt(vertex, systemClock.now() + delayMs);
  }

  #finished(event: TaskFinished): void {
    const { graph, times, slow } = this.#deps;
    this.#deps.taskFinished(event);
    const vertex = this.#deps.release(event.id);
    this.#summary.add(event);
    if (vertex === undefined) return;
    vertex.attempt = event.attempt;
    if (event.startedAt === null) times.passed(vertex);
    else times.ran(vertex, event.status === "done" ? event.at - event.startedAt : undefined);
    slow.finished(vertex, event);
    switch (event.status) {
      case "done":
        return this.#done(vertex, event.result);
      case "error":
        this.#failed(vertex);
        return graph.finish(vertex, { status: "error", ...failureOf(event) });
      case "cancelled":
        return graph.finish(vertex, { status: "cancelled", ...failureOf(event) });
      case "skipped":
        return;
      default:
        assertNever(event.status);
    }
  }

  /** @param result undefined where it is in the file only */
  #done(vertex: TaskVertex, result: string | undefined): void {
    const { graph, stored, backlog } = this.#deps;
    if (result !== undefined && !backlog.drops(result)) {
      backlog.resulted(result);
      graph.finish(vertex, { status: "done", result });
    } else if (vertex.wantsResult === "yes") stored.add(vertex);
    else graph.finish(vertex, doneUnread);
  }

  #failed({ optional }: TaskVertex): void {
    if (optional) return;
    this.#hasFailed = true;
    if (this.#deps.failFast) this.#deps.endEarly({ status: "error", failure: null });
  }

  // ── outcomes of an earlier session ──

  /**
   * False where the task is still to be run: it is new, or an earlier session has not ended it.
   * @param which of the earlier tasks of its key it is: see `identify`
   */
  applyRestored(vertex: TaskVertex, which?: Which | null): boolean {
    const { identities, graph, times } = this.#deps;
    const known = identities.identify(vertex, which);
    if (known === undefined || known.status === "open") return false;
    times.passed(vertex);
    if (known.status === "failed") {
      graph.finish(vertex, { status: "error", failure: this.#failedBefore(vertex, known) });
      return true;
    }
    graph.settleWantsResult(vertex);
    this.#done(vertex, known.result ?? undefined);
    return true;
  }

  /** The failure of an optional task is final. It is counted and shown; the earlier session has called `onTaskFinish`. */
  #failedBefore(vertex: TaskVertex, { result }: RestoredTask): Failure {
    const { id, name, attempt } = vertex;
    const failure = parseFailure(result ?? "");
    const event: TaskFinished = {
      type: "task-finished",
      id: id as TaskId,
      name,
      attempt,
      status: "error",
      startedAt: null,
      at: systemClock.wall(),
      failure,
      label: vertex.label,
      input: this.#deps.inputs.shown(vertex),
    };
    this.#summary.add(event);
    this.#deps.onEvents([event]);
    return failure;
  }

  /** Results that were read from the file. */
  applyStored(results: readonly (readonly [id: TaskId, result: string])[]): void {
    const { graph, stored, backlog } = this.#deps;
    for (const [id, result] of results) {
      backlog.resulted(result);
      graph.finish(stored.take(id, result.length), { status: "done", result });
    }
  }

  // ── decisions of the graph ──

  skipped(vertex: TaskVertex, failure: Failure): void {
    const { life, identities, inputs, times } = this.#deps;
    times.passed(vertex);
    if (life.stop?.status === "cancelled") this.#undecided.push(vertex);
    else if (life.stage === "opening") this.#early.push({ vertex, failure });
    else {
      identities.ensureId(vertex);
      this.#deps.record([skippedRecord(vertex, inputs, systemClock.wall(), failure)]);
    }
  }

  fanOutFailed(failure: Failure): void {
    this.#hasFailed = true;
    this.#failure ??= failure;
    if (this.#deps.failFast) this.#deps.endEarly({ status: "error", failure });
  }

  // ── the end ──

  /** Records the tasks that are known and were never started: they stay `queued` in the file. */
  recordQueued(): void {
    const { graph, identities, inputs } = this.#deps;
    const records: MainRecord[] = [];
    for (const vertex of [...graph.liveTasks(), ...this.#undecided]) {
      // The row of an earlier attempt says more: its cursor, its failure, its result.
      if (vertex.attempt > 0 || identities.isOutdated(vertex)) continue;
      identities.ensureId(vertex);
      records.push(queuedRecord(vertex, inputs));
    }
    this.#deps.record(records);
  }

  /** Tasks of an earlier session that this one's plan does not have. */
  dropUnplanned(): void {
    const { restored } = this.#deps.identities;
    const now = systemClock.wall();
    this.#deps.record(Array.from(restored.open(), (task) => droppedRecord(task, now)));
    const left = restored.leftDone();
    if (left.size === 0) return;
    this.#deps.record([{ type: "left", ranges: left.ranges }]);
    this.#summary.left(left.size);
    this.#deps.print("warn", leftNotice(left.counts));
  }

  summary(started: RunStarted, end: Omit<End, "alreadyDone" | "rerun">): RunSummary {
    const { restored } = this.#deps.identities;
    const rerun = this.#deps.rerun(started, end.status);
    return this.#summary.finish(started, { ...end, rerun, alreadyDone: restored.reused });
  }
}

function failureOf(event: TaskFinished): { readonly failure: Failure; readonly label?: string } {
  const { id, failure } = event;
  if (failure === undefined)
    throw new Error(`Internal error: task ${id} has failed and its event has no failure`);
  const label = labelOf(event);
  return label === undefined ? { failure } : { failure, label };
}
