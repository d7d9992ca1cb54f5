// What a run would do about each task of the run that it continues, as text. Pure.

import { visible } from "../base/text.ts";
import type { NextRun, NextTask } from "../protocol/plan.ts";

export function nextRunText(next: NextRun): string {
  switch (next.kind) {
    case "new":
      return "A new run would begin: every task runs.\n";
    case "refused":
      return `Now, a run would be refused: ${next.because}\n`;
    case "continued": {
      const lines = next.tasks.map((task) => `  ${visible(task.task)}: ${what(task)}\n`);
      return `Run ${next.run} would be continued:\n${lines.join("")}`;
    }
  }
}

function what({ kept, rerun, failed }: NextTask): string {
  const parts = [
    ...(rerun === null ? [] : [again(rerun)]),
    ...(kept > 0 && rerun?.isKept !== true ? [`kept${times(kept)}`] : []),
    ...(failed > 0 && rerun?.reason !== "asked" ? [`runs again${times(failed)}: it failed`] : []),
  ];
  return parts.length === 0 ? "runs: nothing of it is done" : parts.join("; ");
}

const again = ({ count, reason, isKept, downstream }: NonNullable<NextTask["rerun"]>): string =>
  isKept
    ? `kept${times(count)}, as asked: its code has changed`
    : `runs again${times(count)}: ${reason === "code" ? "its code has changed" : "as asked"}${downstream === true ? ", with what depends on it" : ""}`;

const times = (count: number): string =>
  count === 1 ? "" : ` (×${count.toLocaleString("en-US")})`;
