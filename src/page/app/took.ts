// How long a run took, or a task.

import type { RunBrief, TaskBrief } from "../contract.ts";
import { duration } from "./format.ts";
import { now } from "./live.ts";
import { report } from "./source.ts";

/** Up to now for one that runs, in a report up to when it was made. Null for one that was interrupted: nobody wrote down when. */
export function tookMs({
  status,
  startedAt,
  finishedAt,
}: Pick<RunBrief, "status" | "startedAt" | "finishedAt">): number | null {
  if (finishedAt !== null) return Math.max(0, finishedAt - startedAt);
  return status === "running" ? Math.max(0, (report?.madeAt ?? Date.now()) - startedAt) : null;
}

/** `3.2 s`, `–` */
export function tookText(run: RunBrief): string {
  const ms = tookMs(run);
  return ms === null ? "–" : duration(ms);
}

/** Up to now for one that runs. */
export function taskTookText({ status, startedAt, durationMs }: TaskBrief): string | null {
  if (durationMs !== null) return duration(durationMs);
  if (status !== "running" || startedAt === null) return null;
  return duration(Math.max(0, (report?.madeAt ?? now.value) - startedAt));
}
