// What the page starts: programs of pipeloom, and the form that asks for a run's params. Types only; times are epoch ms.

/** A `pipeloom` process that the page has started. */
export type JobBrief = {
  readonly id: number;
  /** `Rerun the failed tasks of run 12` */
  readonly title: string;
  /** As it can be typed; secrets are masked. */
  readonly command: string;
  /** It is a run; otherwise it ends one. */
  readonly isRun: boolean;
  readonly startedAt: number;
  /** Null: it runs. */
  readonly ended: {
    readonly at: number;
    /** Null after a signal. */
    readonly code: number | null;
    readonly signal: string | null;
  } | null;
  /** The database of its run. Null: the page shows one, or it works on no run. */
  readonly database: number | null;
  /** The run that it works on, as soon as the database has it. */
  readonly run: number | null;
};

/** `/data/jobs`: newest first. */
export type JobsView = { readonly jobs: readonly JobBrief[] };

/** `/data/jobs/:id?from=<offset>` */
export type JobView = {
  readonly job: JobBrief;
  /** With escape sequences of colours. */
  readonly output: string;
  /** Where `output` begins: later than asked for where older text is no longer kept. */
  readonly from: number;
  /** Where the next question begins. */
  readonly next: number;
};

/** `/data/runs/:id/start`: whether the run's file can be run again from here. */
export type StartView = {
  readonly file: string | null;
  /** Null: nothing is in the way. */
  readonly problem: string | null;
  readonly next: string | null;
};

export type FormField = {
  readonly name: string;
  /** `choice`: one of `choices`. `json`: a list or an object. `any`: text, or JSON where the pipeline's schema wants that. */
  readonly kind: "text" | "number" | "boolean" | "choice" | "json" | "any";
  readonly choices: readonly (string | number | boolean | null)[];
  /** JSON text; null: there is none, or it is a secret. */
  readonly fallback: string | null;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly description: string | null;
};

/** The answer to `/actions/runs/:id/form`. */
export type FormView = {
  readonly fields: readonly FormField[];
  /** The params of the run, without those that hide a secret. */
  readonly used: Readonly<Record<string, unknown>>;
  /** The pipeline's schema does not say which params there are. */
  readonly isOpen: boolean;
};

export type ParamProblem = {
  /** Null: it is about the params as a whole. */
  readonly name: string | null;
  readonly message: string;
};

/** The body of `/actions/runs/:id/run`. */
export type RunRequest = {
  /** JSON texts, as they were typed. */
  readonly params: Readonly<Record<string, string>>;
  /** Begin a new run also where a dead one could continue. */
  readonly isFresh: boolean;
};

/** The answer: params that the pipeline refuses start nothing. */
export type RunAnswer =
  | { readonly type: "started"; readonly job: JobBrief }
  | { readonly type: "refused"; readonly problems: readonly ParamProblem[] };

/** The body of `/actions/runs/:id/rerun`: the failed tasks, or this one. */
export type RerunRequest = {
  readonly task: number | null;
  /** What depends on it runs again too. */
  readonly isDownstream: boolean;
};

/** The body of `/actions/runs/:id/cancel`. */
export type CancelRequest = {
  /** Without waiting for running tasks. */
  readonly isNow: boolean;
};
