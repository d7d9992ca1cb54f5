// Termination detection: whether a run goes on, is done, or ends otherwise. A run that nothing would wake ends with an error
// instead of hanging.

import type { Executors } from "../executors/executors.ts";
import type { Stop } from "./life.ts";
import type { Parts } from "./parts.ts";

/** `Stop`: the run ends, and not every task has ended. */
type Verdict = "goes on" | "all tasks have ended" | Stop;

/** To be asked when all that can start now is dispatched. */
export function verdictOn(parts: Parts, executors: Executors): Verdict {
  const { life, inFlight, losses, feeder, stored, schedule, graph, reuse } = parts;
  if (inFlight.size > 0 || losses.unresolved > 0 || reuse?.isAsked === true) return "goes on";
  if (life.stop !== undefined) return life.stop;
  if (isAwaited(parts, executors)) return "goes on";
  if (hasWork(parts) || feeder.isStreaming || stored.size > 0) {
    return hung(
      `Internal error: nothing would wake this run: ${schedule.ready} tasks are ready, ${schedule.delayed} wait for a retry`,
    );
  }
  return graph.isFinished ? "all tasks have ended" : hung(graph.stuckBecause);
}

/** Nothing is in flight, but something will happen by itself, and the run is looked at again after it. */
function isAwaited(parts: Parts, executors: Executors): boolean {
  const { stored, feeder, alarm, reuse } = parts;
  if (stored.isAsked || feeder.isPending || alarm.isSet) return true;
  if (reuse !== undefined && reuse.size > 0) return true;
  // A worker that starts, or whose message is on its way, will ask for tasks.
  return hasWork(parts) && !executors.isQuiet;
}

const hasWork = ({ schedule, graph, dispatcher }: Parts): boolean =>
  schedule.ready > 0 || schedule.delayed > 0 || graph.canUnfold || dispatcher.twins.size > 0;

const hung = (message: string): Stop => ({ status: "error", failure: { name: "Error", message } });
