// Which slots a backfill runs, and how. Pure.

import { toIso } from "../../base/iso-time.ts";
import { assertNever } from "../../base/unreachable.ts";
import { flagWords } from "../../protocol/pipeloom-command.ts";
import type { SlotRun } from "../../store/read/slot-runs.ts";

/**
 * `run`: it has no run. `continue`: its run was stopped, or has failed and is asked for. `rerun`: tasks of its run are to run again.
 * `wait`: its run goes on elsewhere, and is waited for. `none`: nothing is done.
 */
export type SlotAction = "run" | "continue" | "rerun" | "wait" | "none";

export type PlannedSlot = {
  /** Epoch ms. */
  readonly slot: number;
  readonly found: SlotRun | null;
  readonly action: SlotAction;
};

export type Asked = {
  /** Runs of slots that have failed are continued. */
  readonly failed: boolean;
  /** These tasks run again in the runs that slots have. */
  readonly tasks: readonly string[];
  readonly downstream: boolean;
  /** A run that goes on elsewhere is waited for. */
  readonly wait: boolean;
};

/** @param rerun as `--rerun` has it: names of tasks, and `failed` */
export const askedOf = (
  rerun: readonly string[],
  others: Pick<Asked, "downstream" | "wait">,
): Asked => ({
  ...others,
  failed: rerun.includes("failed"),
  tasks: rerun.filter((task) => task !== "failed"),
});

/** A failed run is left alone unless it is asked for: a backfill that is repeated goes on, and does not fail again first. */
export function actionFor(found: SlotRun | null, { failed, tasks, wait }: Asked): SlotAction {
  if (found === null) return "run";
  switch (found.state) {
    case "running":
      return wait ? "wait" : "none";
    case "stopped":
      return tasks.length > 0 ? "rerun" : "continue";
    case "failed":
      if (tasks.length > 0) return "rerun";
      return failed ? "continue" : "none";
    case "done":
      return tasks.length > 0 ? "rerun" : "none";
    default:
      return assertNever(found.state);
  }
}

/** What `pipeloom run` is told beside the file and its params. */
export function slotWords(slot: number, action: SlotAction, asked: Asked): string[] {
  const rerun = action === "rerun" ? asked.tasks.flatMap((task) => flagWords("--rerun", task)) : [];
  return [
    "--scheduled-for",
    toIso(slot),
    ...rerun,
    ...(rerun.length > 0 && asked.downstream ? ["--downstream"] : []),
    ...(asked.wait ? ["--wait"] : []),
  ];
}
