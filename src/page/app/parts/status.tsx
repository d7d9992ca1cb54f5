// The states of runs and tasks: a colour, and always a word or a sign with it.

import type { Counts, SeenStatus } from "../../contract.ts";
import { count } from "../format.ts";

export const statuses: readonly SeenStatus[] = [
  "error",
  "interrupted",
  "running",
  "queued",
  "done",
  "skipped",
  "cancelled",
];

const signs: Readonly<Record<SeenStatus, string>> = {
  done: "✓",
  error: "✕",
  running: "▸",
  queued: "·",
  cancelled: "⊘",
  skipped: "↷",
  interrupted: "!",
};

export const Status = ({ of }: { readonly of: SeenStatus }) => (
  <span class={`status ${of}`}>
    <i aria-hidden="true">{signs[of]}</i> {of === "error" ? "failed" : of}
  </span>
);

/** One line of parts, as wide as they are many; a part that is there is seen. */
export function CountsBar({ counts, total }: { readonly counts: Counts; readonly total: number }) {
  const known = statuses.reduce((sum, status) => sum + counts[status], 0);
  const whole = Math.max(known, total, 1);
  return (
    <div class="counts-bar" role="img" aria-label={countsText(counts)}>
      {statuses
        .filter((status) => counts[status] > 0)
        .map((status) => (
          <span class={status} style={{ width: `${(counts[status] / whole) * 100}%` }} />
        ))}
    </div>
  );
}

export const countsText = (counts: Counts): string =>
  statuses
    .filter((status) => counts[status] > 0)
    .map((status) => `${count(counts[status])} ${status === "error" ? "failed" : status}`)
    .join(", ");
