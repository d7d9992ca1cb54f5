// The options of `runPipeline`, and their checks: a program runs without a type check, and an option with a typing error, or
// `durability: "none"`, would have another effect than the author thinks.

import { AbortSignal, JSON } from "../base/globals.ts";
import { isObject } from "../base/json.ts";
import type { RunEvent } from "../protocol/events.ts";
import { engineUrlForm, isEngineUrl } from "../protocol/engine-url.ts";
import type { Durability } from "../protocol/run-request.ts";
import { type InputMode, inputModes } from "../protocol/stored-input.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import { isSlotTime, slotForm } from "./slot-time.ts";
import {
  assertOptions,
  isAbsent,
  isBoolean,
  isFunction,
  isListOf,
  isText,
  option,
} from "./option.ts";

export type RunPipelineOptions = {
  /**
   * Path of the database, relative to the working directory; `:memory:` keeps nothing. Default: the pipeline's `db`, or
   * `pipeloom.db`, beside the file that is run (of a pipeline of this program: in the working directory).
   */
  readonly db?: string;
  /** Number of threads, 1 to 1,024; no more are started than there are tasks. Default: one per core. */
  readonly workers?: number;
  /**
   * The Redis on which other machines take the tasks: `redis://host:6379`. They run `pipeloom worker`, and have the same
   * `PIPELOOM_ENGINE_KEY` as this process. Rows and states stay in this process's database. Default: threads of this process.
   */
  readonly engine?: string;
  /** Number of tasks that run at once, 1 to 100,000. Default: `workers`; with `engine`, as many as its machines take. */
  readonly concurrency?: number;
  /** Use a write-ahead log (`journal_mode=WAL`). Default true. */
  readonly wal?: boolean;
  /** `full` (default): committed data survives a power cut. `normal`: it survives the end of the process. */
  readonly durability?: Durability;
  /** Keep `task_runs` and `task_logs`. Default true. */
  readonly storeTaskStatus?: boolean;
  /** Replaces the pipeline's defaults, or is checked by its schema. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** `auto` (default): continue a dead run of the same pipeline and params. `fresh`: never. `last`, or a run's id: that one. */
  readonly resume?: "auto" | "fresh" | "last" | number;
  /**
   * The time of the pipeline's schedule that the run is for, ISO 8601 with a time zone. A time has one run, which is stored
   * before anything starts: if it is done, its summary is returned and nothing runs; otherwise it is continued. Tasks read it in
   * `ctx.run.scheduledFor`. Not with `resume` and `only`. Default: none.
   */
  readonly scheduledFor?: string;
  /** Of a run that is continued: tasks whose results stay although their code has changed. Names of `task({ name })`. */
  readonly keep?: readonly string[];
  /**
   * Tasks that run again, in a new session of the last run or of the one that `resume` names, ended or not: by name, or as the
   * screen shows them (`load day=2026-11-03`); `failed`: those
   * that failed, and what was skipped because of them. Their rows in your tables stay.
   */
  readonly rerun?: readonly string[];
  /** With `rerun`: what depends on these tasks runs again too, also where its input is the same. Default false. */
  readonly downstream?: boolean;
  /**
   * Only the tasks whose input has these values (or one of a list of values), and what they need. Such a run is one of its
   * own: it continues only a run of the same selection.
   */
  readonly only?: Readonly<Record<string, OnlyValue | readonly OnlyValue[]>>;
  /** As `only`: the tasks with these names or titles, as the screen shows them: `load day=2026-11-03`. */
  readonly onlyTasks?: readonly string[];
  /** Take results of earlier runs, where tasks have `reuse`. Default true; false runs all tasks. */
  readonly reuse?: boolean;
  /**
   * Where another process runs the same run, wait for its end instead of throwing. If that run is done, its summary is
   * returned; otherwise it is continued here. Default false.
   */
  readonly wait?: boolean;
  /**
   * What is stored and shown of the tasks' inputs. `short` (default): up to 1,024 characters of each; `full`: stored whole;
   * `none`: nothing.
   */
  readonly inputs?: InputMode;
  /** End the run at the first failed task. Default false: tasks that do not depend on it still run. */
  readonly failFast?: boolean;
  /** Its abort cancels the run, like the first Ctrl-C. */
  readonly signal?: AbortSignal;
  /** Called for each committed event, in order, on the main thread. */
  readonly onEvent?: (event: RunEvent) => void;
};

type OnlyValue = string | number | boolean | null;

const names = namesOf<RunPipelineOptions>({
  db: true,
  engine: true,
  workers: true,
  concurrency: true,
  wal: true,
  durability: true,
  storeTaskStatus: true,
  params: true,
  resume: true,
  scheduledFor: true,
  keep: true,
  rerun: true,
  downstream: true,
  only: true,
  onlyTasks: true,
  reuse: true,
  wait: true,
  inputs: true,
  failFast: true,
  signal: true,
  onEvent: true,
});

/** `workers`, `concurrency`, `db` and what is asked of earlier runs are checked where they are used, for the command line too. */
const checks: readonly {
  readonly options: readonly (keyof RunPipelineOptions)[];
  readonly expected: string;
  readonly isValid: (value: unknown) => boolean;
}[] = [
  {
    options: ["wal", "storeTaskStatus", "downstream", "reuse", "wait", "failFast"],
    expected: "true or false",
    isValid: isBoolean,
  },
  { options: ["durability"], ...oneOf(["full", "normal"]) },
  { options: ["inputs"], ...oneOf(inputModes) },
  {
    options: ["resume"],
    expected: '"auto", "fresh", "last" or the id of a run',
    isValid: (value) => ["auto", "fresh", "last"].includes(value as string) || isId(value),
  },
  { options: ["scheduledFor"], expected: slotForm, isValid: isSlotTime },
  {
    options: ["keep", "rerun", "onlyTasks"],
    expected: "a list of texts",
    isValid: isListOf(isText),
  },
  {
    options: ["engine"],
    expected: engineUrlForm,
    isValid: (value) => isText(value) && isEngineUrl(value),
  },
  { options: ["params", "only"], expected: "an object", isValid: isObject },
  {
    options: ["signal"],
    expected: "an AbortSignal",
    isValid: (value) => value instanceof AbortSignal,
  },
  { options: ["onEvent"], expected: "a function", isValid: isFunction },
];

function oneOf(values: readonly string[]): {
  expected: string;
  isValid: (value: unknown) => boolean;
} {
  return {
    expected: values.map((each) => JSON.stringify(each)).join(" or "),
    isValid: (value) => values.includes(value as string),
  };
}

const isId = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

/**
 * @returns the options without those that are null
 * @throws TypeError for what is no option, and for a wrong value
 */
export function checkedRunOptions(options: RunPipelineOptions): RunPipelineOptions {
  assertOptions(options, "runPipeline(pipeline, options)");
  assertKnown(options, names, "runPipeline");
  for (const check of checks) {
    for (const name of check.options)
      option<unknown>(options[name], `runPipeline: ${name}`, check.expected, check.isValid);
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => !isAbsent(value)));
}
