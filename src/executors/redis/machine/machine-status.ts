// What a machine does, for its screen.

import type { RunId } from "../../../protocol/ids.ts";
import type { MachineInfo } from "../engine-messages.ts";
import type { MachineSession } from "./machine-session.ts";
import type { ShownTask } from "./shown-tasks.ts";
import type { TaskNews } from "./task-news.ts";

/** What a machine does now, and has done. */
export type MachineStatus = {
  readonly name: string;
  readonly isConnected: boolean;
  readonly threads: number;
  readonly slots: number;
  readonly busyThreads: number;
  /** Tasks in slots. */
  readonly running: number;
  /** Attempts that have ended here. */
  readonly done: number;
  readonly failed: number;
  readonly runs: readonly MachineRun[];
};

export type MachineRun = {
  readonly pipeline: string;
  /** Null: it has not begun. */
  readonly run: RunId | null;
  readonly tasks: readonly ShownTask[];
};

type Joined = { readonly pipeline: string; readonly session: MachineSession };

/** Counts what has ended here, also of runs that are over. */
export class MachineActivity {
  #done = 0;
  #failed = 0;

  count({ done, failed }: Pick<TaskNews, "done" | "failed">): void {
    this.#done += done;
    this.#failed += failed;
  }

  status(
    { name, threads, slots }: MachineInfo,
    isConnected: boolean,
    runs: readonly Joined[],
  ): MachineStatus {
    const byThread = runs.flatMap(({ session }) => session.runningByThread);
    return {
      name,
      isConnected,
      threads,
      slots,
      busyThreads: byThread.filter((tasks) => tasks > 0).length,
      running: byThread.reduce((sum, tasks) => sum + tasks, 0),
      done: this.#done,
      failed: this.#failed,
      runs: runs.map(({ pipeline, session }) => ({
        pipeline,
        run: session.runId,
        tasks: session.shownTasks,
      })),
    };
  }
}
