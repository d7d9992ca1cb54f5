// Workers that are lost, and tasks that do not listen when their timeout is over. A lost worker's tasks fail, are
// interrupted, or go back to the queue.

import { systemClock } from "../base/clock.ts";
import { exactDuration } from "../base/format-duration.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { WorkerId, TaskId } from "../protocol/ids.ts";
import type { MainRecord } from "../protocol/writer-records.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { Executors, LostWorker } from "../executors/executors.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import { culpritsOf, none } from "./culprits.ts";
import type { InFlight } from "./in-flight.ts";
import type { Inputs } from "./inputs.ts";
import type { Life } from "./life.ts";
import { endedRecord, interruptedRecords, retryOf, stopped } from "./task-records.ts";
import type { TimeoutWatch } from "./timeout-watch.ts";

/**
 * Grace after a task's timeout, before its thread is ended. A worker gives such a task up by itself 2 s after the timeout
 * (worker/cancellation.ts): one that has not by then is stuck.
 */
export const timeoutGraceMs = 3_000;
/** Poll interval while the writer keeps the worker waiting. */
const heldPollMs = 1_000;

type LossesDeps = {
  readonly life: Life;
  readonly inFlight: InFlight;
  readonly inputs: Inputs;
  readonly timeouts: Pick<TimeoutWatch, "watch">;
  executors(): Pick<Executors, "whereIs" | "kill">;
  record(records: readonly MainRecord[]): void;
  /** Asks the writer to say when all that the worker sent is committed. */
  detach(worker: LostWorker): void;
  /** The task is ready again. */
  putBack(vertex: TaskVertex): void;
  print(level: LogLevel, line: string): void;
};

export class Losses {
  readonly #deps: LossesDeps;
  /** Lost, and not detached yet. */
  readonly #lost = new Map<WorkerId, LostWorker>();
  /** The task for whose timeout a worker's thread was ended. */
  readonly #overdue = new Map<WorkerId, TaskId>();

  constructor(deps: LossesDeps) {
    this.#deps = deps;
  }

  /** Lost workers whose last commits are not known yet. */
  get unresolved(): number {
    return this.#lost.size;
  }

  /** The task's timeout and its grace are over, and its end is not committed. */
  timedOut(id: TaskId): void {
    const vertex = this.#deps.inFlight.get(id);
    const workerId = vertex?.workerId;
    if (vertex === undefined || workerId === undefined || this.#overdue.has(workerId)) return;
    const executors = this.#deps.executors();
    const where = executors.whereIs(id, workerId);
    if (where === "held") this.#deps.timeouts.watch(id, heldPollMs - timeoutGraceMs);
    // Elsewhere: the worker has ended it, and the commit is on its way.
    if (where !== "running") return;
    this.#overdue.set(workerId, id);
    executors.kill(workerId, {
      name: "TimeoutError",
      message: `timed out after ${exactDuration(vertex.timeoutMs ?? 0)}, and did not react to ctx.signal, so its thread was ended`,
    });
  }

  lost(worker: LostWorker): void {
    this.#lost.set(worker.workerId, worker);
    this.#deps.detach(worker);
  }

  /** Everything that the worker sent is committed: the tasks that are still in flight there are lost, and no others. */
  resolve(workerId: WorkerId): void {
    const worker = this.#lost.get(workerId);
    if (worker === undefined) return;
    const { life, inFlight } = this.#deps;
    this.#lost.delete(workerId);
    // A task whose machine dies is silent until the machine is missed, and so its timeout is over: that says nothing of the task.
    const overdue = worker.isMachineLost === true ? undefined : this.#overdue.get(workerId);
    const culprit = overdue ?? worker.culprit;
    this.#overdue.delete(workerId);
    const culprits = life.stop === undefined ? culpritsOf(worker, culprit, inFlight) : none;
    for (const vertex of inFlight) {
      if (vertex.workerId === workerId) this.#resolveTask(vertex, worker, culprits);
    }
  }

  #resolveTask(vertex: TaskVertex, worker: LostWorker, culprits: ReadonlySet<TaskId>): void {
    const id = vertex.id as TaskId;
    if (isUnbegun(vertex, worker)) this.#deps.putBack(vertex);
    else if (culprits.has(id)) this.#attemptFailed(vertex, worker.failure);
    else if (this.#deps.life.stop !== undefined && worker.running.includes(id)) {
      this.#deps.record([endedRecord(vertex, this.#deps.inputs, systemClock.wall(), stopped)]);
    } else this.#interrupted(vertex, worker);
  }

  /** Another task ended its thread: the attempt counts, but not against the task's retries. */
  #interrupted(vertex: TaskVertex, { workerId, failure }: LostWorker): void {
    if (this.#deps.life.stop === undefined) {
      const { inputs } = this.#deps;
      const now = systemClock.wall();
      this.#deps.record(interruptedRecords(vertex, inputs, workerId, now, failure));
      vertex.attempt++;
      vertex.interruptions++;
    }
    this.#deps.putBack(vertex);
  }

  #attemptFailed(vertex: TaskVertex, failure: Failure): void {
    const now = systemClock.wall();
    let retryAt: number | undefined;
    try {
      retryAt = retryOf(vertex, failure, now, (line) =>
        this.#deps.print("warn", `task "${vertex.name}": ${line}`),
      );
    } catch (thrown) {
      const why = toFailure(thrown).message;
      this.#deps.print("error", `task "${vertex.name}": retryOn failed: ${why}`);
    }
    const outcome = { status: "error", failure } as const;
    const ended = retryAt === undefined ? outcome : { ...outcome, retryAt };
    this.#deps.record([endedRecord(vertex, this.#deps.inputs, now, ended)]);
  }
}

/** A short task begins and ends before anybody hears of its start: of a silent machine, it is taken for one that has not begun. */
function isUnbegun({ id, startedAt }: TaskVertex, { unbegun, running }: LostWorker): boolean {
  if (unbegun !== "unknown") return unbegun.has(id as TaskId);
  return startedAt === undefined && !running.includes(id as TaskId);
}
