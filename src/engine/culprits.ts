// Which tasks are to blame for the loss of a worker. Pure.

import type { TaskId } from "../protocol/ids.ts";
import type { InFlight } from "./in-flight.ts";
import type { LostWorker } from "../executors/executors.ts";

/** A task that was interrupted as often, the last time with its machine, is taken for the reason. */
const mostMachinesLost = 4;

export const none: ReadonlySet<TaskId> = new Set();

/**
 * A task that ends its thread usually reports its own failure first: then the other running tasks are not to blame.
 * Without such a report, every running task is.
 * @param culprit the task for which the engine or the executor ended the thread: then no other task is to blame
 */
export function culpritsOf(
  worker: LostWorker,
  culprit: TaskId | undefined,
  inFlight: InFlight,
): ReadonlySet<TaskId> {
  if (culprit !== undefined) return new Set([culprit]);
  const { running, unbegun, workerId, isMachineLost } = worker;
  if (isMachineLost === true) {
    const isAgain = (id: TaskId): boolean =>
      (inFlight.get(id)?.interruptions ?? 0) >= mostMachinesLost - 1;
    return new Set(running.filter(isAgain));
  }
  const unreported = running.filter(
    (id) => inFlight.get(id)?.workerId === workerId && (unbegun === "unknown" || !unbegun.has(id)),
  );
  return unreported.length === worker.running.length ? new Set(unreported) : none;
}
