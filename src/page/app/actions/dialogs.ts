// Which dialog is open. An action asks before it starts anything.

import { signal } from "@preact/signals";

import type { RunBrief } from "../../contract.ts";
import type { ScheduleBrief } from "../../contract-schedules.ts";

/** Of a run. `base`: of its database, see source.ts. */
export type RunDialog = { readonly run: RunBrief; readonly base: string } & (
  | {
      readonly type: "run";
      /** Its params are those to begin with. */
      readonly isAgain: boolean;
    }
  | { readonly type: "rerun-failed" }
  | {
      readonly type: "rerun-task";
      readonly task: number;
      readonly title: string;
    }
  | { readonly type: "resume" }
  | { readonly type: "cancel" }
);

export type ScheduleDialog = {
  readonly type: "pause" | "resume-schedule";
  readonly schedule: ScheduleBrief;
};

export type ActionDialog = RunDialog | ScheduleDialog;

export const actionDialog = signal<ActionDialog | null>(null);
