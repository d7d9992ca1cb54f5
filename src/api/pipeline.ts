// `pipeline`: the default export of a pipeline file. It describes a run; the engine runs it.

import type { KeepRule } from "../protocol/run-request.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { TaskFinished } from "../protocol/events.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";
import { shownValue } from "../base/describe-value.ts";
import { NotJsonError, isPlainObject, toJsonText } from "../base/json.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import { defaultMaxLines, type LogOptions, maxLogLines } from "./logs.ts";
import type { MessageHandle } from "./message.ts";
import type { Node } from "./node.ts";
import { assertOptions, isAbsent, isFunction, isListOf, isName, isText, option } from "./option.ts";
import {
  isStandardSchema,
  type ParamDefaults,
  type ParamsOf,
  type StandardSchema,
} from "./params.ts";
import { registry } from "./registry.ts";
import { type ScheduleOptions, scheduleRule } from "./schedule-options.ts";

/** One node, or many. They run, and every node that they depend on. A generator is read as the run has room (a stream). */
export type Work = Node<unknown> | Iterable<Node<unknown>> | AsyncIterable<Node<unknown>>;

/** A concurrency limit (at most `limit` tasks at once), or with `per` a rate limit (at most `limit` starts per `per`). */
type PoolLimit = number | { readonly limit: number; readonly per?: Duration };

export type PipelineOptions<Spec> = {
  /** Identifies the pipeline's runs in the database, which several pipelines may share. */
  readonly name: string;
  /** An object of defaults, whose types the given values must have; or any Standard Schema (zod, valibot, arktype). */
  readonly params?: Spec;
  /**
   * SQL that runs at the start of a run, in one transaction, before any task. When the run continues (after a crash, with
   * `--resume` or `--rerun`), only PRAGMA, CREATE … IF NOT EXISTS and CREATE TEMP run again: the rows of done tasks stay.
   */
  readonly schema?: string;
  /** The message types that tasks may `ctx.emit`. */
  readonly messages?: readonly MessageHandle<never>[];
  /** Concurrency and rate limits by name, e.g. `{ api: 4 }` or `{ api: { limit: 10, per: "1s" } }`. A task's `pool` names one. */
  readonly pools?: { readonly [name: string]: PoolLimit };
  /**
   * Names of environment variables. Their values are masked in text that pipeloom writes: logs, failures, names, events and
   * the stored params. Rows, inputs and results are never altered; a result or cursor that holds a secret of 8 characters or
   * more fails its task.
   */
  readonly secrets?: readonly string[];
  /** The database file, relative to this file, unless `--db` names another. Default: `pipeloom.db` beside this file. */
  readonly db?: string;
  /**
   * How much history of this pipeline stays in the database: at its end, each run deletes what is recorded of older runs,
   * for 1 s at most. `runs`: that many of the newest stay. `age`: those that ended since then stay, e.g. "30d". Never deletes
   * the user's own tables, nor an interrupted run, which the next run continues. Default: everything stays.
   */
  readonly keep?: { readonly runs?: number; readonly age?: Duration };
  /** How much of the tasks' logs stays in the database. A task's own `logs` counts before it. */
  readonly logs?: LogOptions;
  /** When the pipeline is to run, e.g. `{ cron: "30 2 * * *", tz: "Europe/Berlin" }` or `{ every: "15m" }`. */
  readonly schedule?: ScheduleOptions;
  readonly tasks: Work | ((args: { readonly params: ParamsOf<Spec> }) => Work | Promise<Work>);
  /** How many tasks a generator will yield, if that is known: for the bar and the remaining time. */
  readonly total?: number | ((args: { readonly params: ParamsOf<Spec> }) => number);
  /**
   * Called on the main thread after a task's outcome is committed: in order, one call at a time, 10 s each at most. The run
   * pauses when 1000 outcomes wait, and waits 10 s for the rest at its end. An error is logged, and changes nothing.
   */
  readonly onTaskFinish?: (event: TaskFinished) => unknown;
  /** Called on the main thread when the run has ended, after `onTaskFinish`; 10 s at most. An error is logged, and changes nothing. */
  readonly onFinish?: (summary: RunSummary) => unknown;
};

const pipelineNames = namesOf<PipelineOptions<never>>({
  name: true,
  params: true,
  schema: true,
  messages: true,
  pools: true,
  secrets: true,
  db: true,
  keep: true,
  logs: true,
  schedule: true,
  tasks: true,
  total: true,
  onTaskFinish: true,
  onFinish: true,
});
const poolNames = ["limit", "per"];
const keepNames = ["runs", "age"];

export class Pipeline {
  /** Appears in messages. Set by hand, since the names of classes are minified. */
  static readonly name = "Pipeline";
  readonly name: string;
  readonly params: ParamDefaults | StandardSchema<unknown> | undefined;
  readonly schema: string | null;
  readonly messages: readonly MessageHandle<never>[];
  readonly pools: ReadonlyMap<string, { readonly limit: number; readonly perMs: number | null }>;
  readonly secrets: readonly string[];
  readonly db: string | undefined;
  readonly keep: KeepRule | null;
  /** Lines of an attempt that are stored, where the task does not say. */
  readonly maxLogLines: number;
  readonly schedule: ScheduleRule | null;
  readonly tasks: PipelineOptions<ParamDefaults>["tasks"];
  readonly total: PipelineOptions<ParamDefaults>["total"];
  readonly onTaskFinish: ((event: TaskFinished) => unknown) | undefined;
  readonly onFinish: ((summary: RunSummary) => unknown) | undefined;
  /** The file that called `pipeline`. With `runPipeline(value)`, Workers import it to find the tasks. */
  readonly origin: string | null;

  constructor(options: PipelineOptions<ParamDefaults>, origin: string | null) {
    const what = `pipeline "${options.name}"`;
    assertKnown(options, pipelineNames, what);
    const { schema, messages, pools, secrets, db, keep, tasks, total } = options;
    const { onTaskFinish, onFinish } = options;
    this.name = options.name;
    this.params = paramsSpec(options.params, what);
    this.schema = option(schema, `${what}: \`schema\``, "SQL as text", isText) ?? null;
    this.messages = [...(option(messages, `${what}: \`messages\``, handles, isHandles) ?? [])];
    this.pools = poolLimits(option(pools, `${what}: \`pools\``, limits, isObject) ?? {}, what);
    this.secrets = [
      ...(option(secrets, `${what}: \`secrets\``, variables, isListOf(isText)) ?? []),
    ];
    this.db = option(db, `${what}: \`db\``, "the path of a file", isName);
    this.keep = keepRule(option(keep, `${what}: \`keep\``, "an object", isObject), what);
    this.maxLogLines = maxLogLines(options.logs, what) ?? defaultMaxLines;
    this.schedule = scheduleRule(options.schedule, what);
    this.tasks = tasks;
    this.total = option(total, `${what}: \`total\``, "a number or a function", isTotal);
    this.onTaskFinish = option(onTaskFinish, `${what}: \`onTaskFinish\``, "a function", isFunction);
    this.onFinish = option(onFinish, `${what}: \`onFinish\``, "a function", isFunction);
    this.origin = origin;
  }
}

const handles = "a list of what `message(name, apply)` has returned";
const limits = "an object of limits, e.g. { api: 4 }";
const variables = "a list of names of environment variables";

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const isTotal = (value: unknown): boolean => typeof value === "number" || isFunction(value);

const isHandles = isListOf(
  (item) =>
    isObject(item) &&
    "name" in item &&
    isName(item.name) &&
    "apply" in item &&
    isFunction(item.apply),
);

/** @throws TypeError for defaults that are not JSON, and for what is neither defaults nor a schema */
function paramsSpec(
  params: PipelineOptions<ParamDefaults>["params"],
  what: string,
): Pipeline["params"] {
  if (isStandardSchema(params)) return params;
  const name = `${what}: \`params\``;
  const expected = "an object of defaults or a Standard Schema";
  const defaults = option(
    params,
    name,
    expected,
    (value) => isObject(value) && isPlainObject(value),
  );
  try {
    toJsonText(defaults, "params");
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new TypeError(`${what}: ${error.explain("params")}`);
  }
  return defaults;
}

type NoParams = Readonly<Record<string, never>>;

/**
 * Describes a pipeline. Make it the default export of the file.
 * @throws TypeError or RangeError for a wrong option
 */
export function pipeline<const Spec extends ParamDefaults | StandardSchema<unknown> = NoParams>(
  options: PipelineOptions<Spec>,
): Pipeline {
  assertOptions(options, "pipeline({ name, tasks })");
  if (!isName(options.name)) {
    throw new TypeError(
      'pipeline: `name` must be a string that is not empty, e.g. pipeline({ name: "posts", … })',
    );
  }
  const what = `pipeline "${options.name}"`;
  if (!isObject(options.tasks) && !isFunction(options.tasks)) {
    throw new TypeError(
      `${what}: \`tasks\` must be a node, a list or generator of nodes, or a function that returns one, not ${shownValue(options.tasks)}`,
    );
  }
  const described = new Pipeline(
    options as unknown as PipelineOptions<ParamDefaults>,
    callerFile(),
  );
  const names = described.messages.map((handle) => handle.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new TypeError(`${what}: two messages are called "${twice}"`);
  registry.pipelines.set(described.name, described);
  return described;
}

function poolLimits(
  pools: { readonly [name: string]: PoolLimit },
  what: string,
): Pipeline["pools"] {
  return new Map(
    Object.entries(pools).map(([name, pool]) => {
      const { limit, per } = isObject(pool) ? pool : { limit: pool, per: undefined };
      if (isObject(pool)) assertKnown(pool, poolNames, `${what}: pool "${name}"`);
      if (!Number.isSafeInteger(limit) || limit < 1) {
        throw new RangeError(
          `${what}: pool "${name}" must have a limit of at least 1, not ${shownValue(limit)}`,
        );
      }
      const perMs = isAbsent(per) ? null : durationMs(per, `${what}: pool "${name}": per`);
      return [name, { limit, perMs }] as const;
    }),
  );
}

function keepRule(keep: PipelineOptions<ParamDefaults>["keep"], what: string): KeepRule | null {
  if (keep === undefined) return null;
  assertKnown(keep, keepNames, `${what}: keep`);
  const { runs = null, age } = keep;
  if (runs !== null && (!Number.isSafeInteger(runs) || runs < 1)) {
    throw new RangeError(`${what}: keep.runs must be a whole number of at least 1, not ${runs}`);
  }
  if (runs === null && age === undefined) {
    throw new TypeError(
      `${what}: keep needs \`runs\`, \`age\` or both, e.g. { runs: 50, age: "30d" }`,
    );
  }
  const ageMs =
    age === undefined ? null : durationMs(age, `${what}: keep.age`, Number.POSITIVE_INFINITY);
  return { runs, ageMs };
}

/** The file that called `pipeline`: the frame above it. Null when the stack does not name a file. */
function callerFile(): string | null {
  const frames = stackHere().split("\n").slice(4);
  const match = /\(?((?:file:\/\/)?[^()\s][^()]*?):\d+:\d+\)?$/.exec(frames[0] ?? "");
  const path = match?.[1]?.replace(/^.*\bat (?:async )?/, "").trim();
  return path === undefined || path === ""
    ? null
    : path.startsWith("file://")
      ? Bun.fileURLToPath(path)
      : path;
}

/** Libraries replace Error.prepareStackTrace: it may return any value, or throw. */
function stackHere(): string {
  try {
    const { stack }: { stack?: unknown } = new Error("");
    return typeof stack === "string" ? stack : "";
  } catch {
    return "";
  }
}
