// What the options of a run ask of an earlier run, checked against the tasks of the pipeline file.

import { didYouMean, nearest } from "../base/suggest.ts";
import { runId } from "../protocol/ids.ts";
import type { RunRequest } from "../protocol/run-request.ts";
import { slotForm, slotTime } from "./slot-time.ts";
import type { RerunRequest } from "../protocol/reruns.ts";
import { registry } from "./registry.ts";

/** What is asked of a run that is continued makes no sense. */
export class RerunError extends Error {
  override readonly name = "RerunError";
}

/** What `runPipeline` is asked of an earlier run. */
type RerunOptions = {
  readonly resume?: "auto" | "fresh" | "last" | number;
  readonly keep?: readonly string[];
  readonly rerun?: readonly string[];
  readonly downstream?: boolean;
};

export function resumeOf({ resume = "auto", rerun = [] }: RerunOptions): RunRequest["resume"] {
  if (rerun.length > 0 && resume === "auto") return "newest";
  return typeof resume === "number" ? runId(resume) : resume;
}

type SlotOptions = RerunOptions & {
  readonly scheduledFor?: string;
  readonly only?: object;
  readonly onlyTasks?: readonly string[];
  readonly storeTaskStatus?: boolean;
};

/**
 * The slot of a run; null if it is for none.
 * @param db the path of its database
 * @throws RerunError where the options name another run, or nothing is stored
 */
export function slotOf(options: SlotOptions, db: string): string | null {
  const { scheduledFor, resume = "auto", only, onlyTasks = [], storeTaskStatus } = options;
  if (scheduledFor === undefined) return null;
  const slot = slotTime(scheduledFor);
  if (slot === undefined) throw new RerunError(`scheduledFor must be ${slotForm}`);
  const what = "a run with scheduledFor (--scheduled-for)";
  if (resume !== "auto") {
    throw new RerunError(`${what} is found by its slot; leave out resume (--resume, --fresh)`);
  }
  if (only !== undefined || onlyTasks.length > 0) {
    throw new RerunError(
      `${what} is the whole run of its slot, which then counts as done; leave out only (--only)`,
    );
  }
  if (db === ":memory:" || storeTaskStatus === false) {
    throw new RerunError(
      `${what} is stored with its slot, so that the slot runs once; leave out :memory: and --no-store-task-status`,
    );
  }
  return slot;
}

const failedTasks = "failed";

/** @throws RerunError */
export function rerunsOf(options: RerunOptions): RerunRequest {
  const { keep = [], rerun = [], downstream = false, resume } = options;
  if (downstream && rerun.length === 0) {
    throw new RerunError("downstream says how far rerun goes: name a task with rerun");
  }
  for (const name of keep) assertTask(name);
  const asked = rerun.filter((name) => name !== failedTasks);
  const named = asked.filter((name) => registry.tasks.has(name));
  const titles = asked.filter((name) => !registry.tasks.has(name));
  for (const title of titles) assertTitle(title);
  const both = named.find((name) => keep.includes(name));
  if (both !== undefined) throw new RerunError(`task "${both}" is to be kept and to run again`);
  if (resume === "fresh" && keep.length + rerun.length > 0) {
    throw new RerunError("a fresh run has no tasks to keep or to run again");
  }
  return { keep, rerun: named, titles, failed: asked.length < rerun.length, downstream };
}

/** What is no definition is looked up in the run, unless it is a definition's name with a typing error. */
function assertTitle(title: string): void {
  // An id is no name with a typing error, though `#17` is near to `t17`.
  if (/#[1-9]\d*$/.test(title)) return;
  if (nearest(title, [...registry.tasks.keys()]) !== undefined) assertTask(title);
}

function assertTask(name: string): void {
  const known = [...registry.tasks.keys()];
  if (known.includes(name)) return;
  const near = didYouMean(nearest(name, known)) ?? `the tasks are ${known.join(", ")}`;
  throw new RerunError(`there is no task "${name}" in this pipeline file; ${near}`);
}
