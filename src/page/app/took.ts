// How long a run took.

import type { RunBrief } from "../contract.ts";
import { duration } from "./format.ts";

/** Up to now for one that runs. Null for one that was interrupted: nobody wrote down when. */
export function tookMs({
  status,
  startedAt,
  finishedAt,
}: Pick<RunBrief, "status" | "startedAt" | "finishedAt">): number | null {
  if (finishedAt !== null) return Math.max(0, finishedAt - startedAt);
  return status === "running" ? Math.max(0, Date.now() - startedAt) : null;
}

/** `3.2 s`, `–` */
export function tookText(run: RunBrief): string {
  const ms = tookMs(run);
  return ms === null ? "–" : duration(ms);
}
