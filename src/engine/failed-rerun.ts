// The command that runs the failed tasks of this run again, for its hooks and for the person who reads its end. Pure.

import type { RunStarted } from "../protocol/events.ts";
import type { Mask } from "../protocol/mask.ts";
import { rerunCommand } from "../protocol/rerun-command.ts";
import type { RunSummary } from "../protocol/summary.ts";
import type { RunOptions } from "./run-options.ts";

/** Null where no command can say it. A secret in it is masked, so whoever runs the command gives the secret again. */
export function rerunOf(
  { again, only, writer }: Pick<RunOptions, "again" | "only" | "writer">,
  mask: Mask | undefined,
  { db, run }: RunStarted,
  status: RunSummary["status"],
): string | null {
  if (again === undefined || !writer.storeTaskStatus || writer.db === ":memory:") return null;
  // Only optional tasks have failed: without --rerun, they stay as they are.
  if (only !== undefined && status === "done") return null;
  return rerunCommand(mask === undefined ? again : again.map((word) => mask.text(word)), db, run);
}
