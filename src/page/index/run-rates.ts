// How fast a run goes: what its tasks did in a window of time. What a task wrote is spread evenly over the time that it took.

import { taskStatuses } from "../../protocol/status.ts";
import { endOf } from "./run-times.ts";
import { noStatus, type TaskColumns } from "./task-columns.ts";
import type { Interval } from "./time-axis.ts";

const running = taskStatuses.indexOf("running");

/** A shorter window says nothing. */
const leastMs = 1_000;

type Rates = { readonly tasksPerSecond: number; readonly rowsPerSecond: number };

/**
 * A window begins with the first task in it: before, there was another session, or none.
 * @param openEnd of tasks that run
 * @returns undefined where the time is too short to tell
 */
export function ratesIn(
  { chunks }: TaskColumns,
  { from, to }: Interval,
  openEnd: number,
): Rates | undefined {
  let [first, tasks, rows] = [Infinity, 0, 0];
  for (const chunk of chunks) {
    if (!chunk.mayHave(from, to)) continue;
    for (let slot = 0; slot < chunk.started.length; slot++) {
      const started = chunk.started[slot] ?? Number.NaN;
      if (!(started <= to) || chunk.status[slot] === noStatus) continue;
      const end = endOf(chunk, slot, openEnd);
      if (end < from) continue;
      if (started < first) first = started;
      const inside = Math.min(end, to) - Math.max(started, from);
      // A task of 0 ms is inside as a whole.
      const part = end > started ? inside / (end - started) : 1;
      if (chunk.status[slot] !== running) tasks += part;
      const written = chunk.rows[slot] ?? Number.NaN;
      if (!Number.isNaN(written)) rows += part * written;
    }
  }
  const ms = to - Math.max(first, from);
  if (!(ms >= leastMs)) return undefined;
  return { tasksPerSecond: (1000 * tasks) / ms, rowsPerSecond: (1000 * rows) / ms };
}
