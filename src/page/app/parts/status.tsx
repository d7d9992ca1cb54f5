// The states of runs and tasks: a colour, and always a word or a sign with it.

import type { Counts, RunBrief, SeenStatus } from "../../contract.ts";
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

/** How a state is called on the page. */
export const wordOf = (status: string): string => (status === "error" ? "failed" : status);

export const Status = ({ of }: { readonly of: SeenStatus }) => (
  <span class={`status ${of}`}>
    <i aria-hidden="true">{signs[of]}</i> {wordOf(of)}
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

/** Tasks that are planned, as far as it is known, and at least those that are there. */
export const totalOf = ({ counts, total }: Pick<RunBrief, "counts" | "total">): number =>
  Math.max(
    total ?? 0,
    statuses.reduce((sum, status) => sum + counts[status], 0),
  );

export const countsText = (counts: Counts): string =>
  statuses
    .filter((status) => counts[status] > 0)
    .map((status) => `${count(counts[status])} ${wordOf(status)}`)
    .join(", ");
