// Whose fault it is that a Worker is gone. Pure.

import type { TaskId } from "../protocol/ids.ts";
import type { InFlight } from "./in-flight.ts";
import type { LostWorker } from "../executors/executors.ts";

export const none: ReadonlySet<TaskId> = new Set();

/**
 * A task that ended its thread and was caught doing so has reported that itself; then the others that ran there are
 * innocent. If none has, all that ran are suspects.
 * @param overdue for whose timeout main ended the thread
 */
export function culpritsOf(
  worker: LostWorker,
  overdue: TaskId | undefined,
  inFlight: InFlight,
): ReadonlySet<TaskId> {
  if (overdue !== undefined) return new Set([overdue]);
  const unreported = worker.running.filter(
    (id) => inFlight.get(id)?.workerId === worker.workerId && !worker.unbegun.has(id),
  );
  return unreported.length === worker.running.length ? new Set(unreported) : none;
}
