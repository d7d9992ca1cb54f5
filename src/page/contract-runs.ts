// What the server tells of pipelines, and of two runs side by side. Types only; times are epoch ms, durations ms.

import type { RunBrief } from "./contract.ts";

/** A run as one of the bars of its pipeline. */
export type RunBar = Pick<RunBrief, "id" | "status" | "startedAt" | "finishedAt">;

export type PipelineBrief = {
  readonly name: string;
  /** How many the database has. */
  readonly runs: number;
  /** Oldest first. */
  readonly recent: readonly RunBar[];
  readonly last: RunBrief;
  /** Of a page that shows several; null: the page shows one. */
  readonly database: number | null;
  /** When its schedule starts it next. Null: never, or no `serve` is behind the page. */
  readonly next: number | null;
};

/** `/data/pipelines?offset=`: the one that ran last comes first. */
export type PipelinesView = {
  readonly pipelines: readonly PipelineBrief[];
  /** Of the first one that is here. */
  readonly offset: number;
  readonly total: number;
  /** Databases that cannot be read, and why. */
  readonly unreadable: readonly { readonly path: string; readonly problem: string }[];
};

/** `/data/compare?a=<id>&b=<id>` */
export type CompareView = {
  readonly a: RunBrief;
  readonly b: RunBrief;
  /** JSON text, with secrets masked. */
  readonly params: { readonly a: string; readonly b: string };
  /** Null: the file does not have the code of the tasks. */
  readonly edits: readonly DefinitionEdit[] | null;
};

export type DefinitionEdit = {
  readonly name: string;
  /** `added`: only the second run has it. */
  readonly kind: "changed" | "added" | "removed";
  /** It can be shown: `/data/compare/edit`. */
  readonly hasCode: boolean;
};

/** `/data/compare/edit?a=<id>&b=<id>&task=<definition>` */
export type EditView = {
  /** Null: the file does not have the code, or too much differs. */
  readonly lines:
    | readonly {
        readonly kind: "same" | "removed" | "added" | "gap";
        readonly text: string;
      }[]
    | null;
};
