// Which dialog is open. An action asks before it starts anything.

import { signal } from "@preact/signals";

import type { RunBrief } from "../../contract.ts";

export type ActionDialog =
  | {
      readonly type: "run";
      readonly run: RunBrief;
      /** Its params are those to begin with. */ readonly isAgain: boolean;
    }
  | { readonly type: "rerun-failed"; readonly run: RunBrief }
  | {
      readonly type: "rerun-task";
      readonly run: RunBrief;
      readonly task: number;
      readonly title: string;
    }
  | { readonly type: "resume"; readonly run: RunBrief }
  | { readonly type: "cancel"; readonly run: RunBrief };

export const actionDialog = signal<ActionDialog | null>(null);
