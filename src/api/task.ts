// `task`: a kind of work, defined at the module's top level. Every thread finds it by its name.

import type { TaskContext } from "./context.ts";
import { shownValue } from "../base/describe-value.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import type { JsonResult } from "./json-value.ts";
import { type LogOptions, maxLogLines } from "./logs.ts";
import {
  type AnyNode,
  type Input,
  isNode,
  type Node,
  type NodeOptions,
  type NodeSettings,
  TaskNode,
} from "./node.ts";
import {
  assertOptions,
  isAbsent,
  isBoolean,
  isFunction,
  isListOf,
  isName,
  isText,
  option,
} from "./option.ts";
import { ownCopy } from "./own-copy.ts";
import { register } from "./registry.ts";
import { type Retries, type RetryOptions, retryPolicy } from "./retries.ts";
import { RetryAfter } from "./retry-after.ts";
import { type ReuseOptions, type ReuseRule, reuseRule } from "./reuse-rule.ts";
import { isTag, tagForm, type TagSet, tagSetOf } from "../protocol/tags.ts";
import type { TaskDefinition } from "./task-definition.ts";

export type TaskOptions<In, Out> = ReuseOptions & {
  /** Unique in the program. Other threads and later runs find the task by it. */
  readonly name: string;
  /** The work. Runs in a Worker; input and output are JSON values. */
  run(input: In, ctx: TaskContext): Out | Promise<Out>;
  /**
   * What tells one task from the others, on the screen and in the database: e.g. `({ day }) => day`. Called where the task
   * runs, before each attempt. Default: the scalars of the input, `day=2025-05-13`. Written below `run`, it
   * knows the type of the input; above a `run` that takes `ctx`, give it: `({ day }: { day: string }) => day`.
   */
  label?(this: void, input: In): string;
  /** How many more attempts follow a failed one. Default 0. */
  readonly retries?: Retries;
  /** The longest time of one attempt. Default: no limit. */
  readonly timeout?: Duration;
  /** The name of one of the pipeline's `pools`, whose limit the task counts against. */
  readonly pool?: string;
  /** Of the ready tasks, those of higher priority start first. Default 0. */
  readonly priority?: number;
  /**
   * With `--engine`: the tag, or all of the tags, of the workers that may run the task (`pipeloom worker --worker-tags gpu`).
   * Where no such worker is there, the task waits. A local run ignores it. Default: every worker.
   */
  readonly on?: string | readonly string[];
  /**
   * When the task fails, its dependents run, and read `null` instead of its result. The failure is final: a run that is
   * resumed does not try the task again. Default false.
   */
  readonly optional?: boolean;
  /** How much of the task's log the database keeps. Default: as the pipeline says. */
  readonly logs?: LogOptions;
};

/** The options of `task` that those of `sh` have too. */
export const sharedNames = {
  name: true,
  label: true,
  retries: true,
  timeout: true,
  pool: true,
  priority: true,
  on: true,
  optional: true,
  logs: true,
  reuse: true,
  files: true,
  env: true,
  version: true,
} as const;

const names = namesOf<TaskOptions<never, never>>({ ...sharedNames, run: true });

const nodeNames = namesOf<NodeOptions>({
  name: true,
  label: true,
  after: true,
  retries: true,
  timeout: true,
  pool: true,
  priority: true,
  on: true,
  optional: true,
});

/** The input may be left out where `run` has none, or a default for it. */
type Call<In> = [In] extends [void]
  ? [input?: undefined, options?: NodeOptions]
  : MayBeAbsent<In> extends true
    ? [input?: Input<In>, options?: NodeOptions]
    : [input: Input<In>, options?: NodeOptions];

type MayBeAbsent<In> = unknown extends In ? false : undefined extends In ? true : false;

type OptionalCall<In> = [input: [In] extends [void] ? undefined : Input<In>, options: OptionalNode];
type OptionalNode = NodeOptions & { readonly optional: true };

/** A defined task. Calling it creates a node, and runs nothing. */
export interface Task<In, Out> {
  (...args: OptionalCall<In>): Node<Out | null>;
  (...args: Call<In>): Node<Out>;
  readonly taskName: string;
}

/**
 * Defines a task. Call it at the top level of the pipeline file: every thread imports the file, and finds the task by its
 * name.
 * @throws TypeError or RangeError for a wrong option, Error for a name that is taken
 */
export function task<In = void, Out = unknown>(
  options: TaskOptions<In, Out> & JsonResult<Out> & { readonly optional: true },
): Task<In, Out | null>;
export function task<In = void, Out = unknown>(
  options: TaskOptions<In, Out> & JsonResult<Out>,
): Task<In, Out>;
export function task<In, Out>(options: TaskOptions<In, Out>): Task<In, Out> {
  return defineTask(options, {});
}

/** @param programEnv the variables that a program gets: its results depend on them */
export function defineTask<In, Out>(
  options: TaskOptions<In, Out>,
  programEnv: ReuseRule["programEnv"],
): Task<In, Out> {
  const definition = define(options, programEnv);
  register(definition, options);
  const call = (input: unknown, nodeOptions?: NodeOptions): Node<unknown> =>
    new TaskNode(definition, ownCopy(input), nodeSettings(nodeOptions, definition.name));
  return Object.assign(call, { taskName: definition.name }) as Task<In, Out>;
}

function define<In, Out>(
  options: TaskOptions<In, Out>,
  programEnv: ReuseRule["programEnv"],
): TaskDefinition<In, Out> {
  assertOptions(options, "task({ name, run })");
  const { name, retries } = options;
  if (!isName(name)) {
    throw new TypeError(
      'task: `name` must be a string that is not empty, e.g. task({ name: "load", … })',
    );
  }
  const what = `task "${name}"`;
  if (name === "failed") {
    throw new TypeError(
      `${what}: no task can have this name, because --rerun failed means all tasks that failed; choose another one`,
    );
  }
  assertKnown(options, names, what);
  if (typeof options.run !== "function") throw new TypeError(`${what}: \`run\` must be a function`);
  return {
    name,
    run: (input, ctx) => options.run(input, ctx),
    bareCalls: mayDefaultInput(options) ? new WeakSet() : undefined,
    label: option(
      options.label,
      `${what}: \`label\``,
      "a function of the input that returns text",
      isFunction,
    ),
    retries: retryPolicy(retries, what),
    ...retryFunctions(retries),
    timeoutMs: timeoutMs(options.timeout, what),
    pool: poolOf(options.pool, what).pool,
    priority: priority(options.priority, what) ?? 0,
    on: tagSet(options.on, what),
    optional: optionalOf(options.optional, what).optional ?? false,
    maxLogLines: maxLogLines(options.logs, what),
    reuse: reuseRule(options, programEnv, what),
  };
}

const noParameters = /^(?:async\b\s*)?(?:function\b)?[\s*\w$]*\(\s*\)/;

/** `length` counts the parameters before the first that has a default: 0 for `run(input = 5, ctx)`, and for `run()`. */
const mayDefaultInput = ({ run }: { readonly run: { readonly length: number } }): boolean =>
  run.length === 0 && !noParameters.test(String(run));

function retryFunctions(
  retries: Retries | undefined,
): Pick<TaskDefinition<never, unknown>, "retryOn" | "retryAfter"> {
  const { retryOn, after }: Partial<RetryOptions> =
    typeof retries === "object" ? (retries ?? {}) : {};
  return {
    retryOn: retryOn ?? undefined,
    retryAfter: isAbsent(after) ? undefined : new RetryAfter(after),
  };
}

function timeoutMs(timeout: Duration | undefined, what: string): number | undefined {
  if (isAbsent(timeout)) return undefined;
  const ms = durationMs(timeout, `${what}: timeout`);
  if (ms === 0) throw new RangeError(`${what}: timeout must be above 0`);
  return ms;
}

function priority(value: number | undefined, what: string): number | undefined {
  if (isAbsent(value)) return undefined;
  if (Number.isFinite(value)) return value;
  throw new RangeError(`${what}: priority must be a number, not ${shownValue(value)}`);
}

const areTags = isListOf(isTag);
const isTagOrTags = (given: unknown): boolean => isTag(given) || areTags(given);

function tagSet(value: TaskOptions<never, never>["on"], what: string): TagSet {
  const given = option(value, `${what}: on`, `a tag or a list of tags (${tagForm})`, isTagOrTags);
  return tagSetOf(typeof given === "string" ? [given] : (given ?? []));
}

function nodeSettings(options: NodeOptions | undefined, name: string): NodeSettings | undefined {
  // `list.map(load)` passes the index.
  if (isAbsent(options) || typeof options === "number") return undefined;
  const what = `task "${name}"`;
  if (typeof options !== "object") {
    throw new TypeError(
      `${what}: the second argument of a call is an object of options, not ${shownValue(options)}`,
    );
  }
  assertKnown(options, nodeNames, `${what}: options of a call`);
  const { after, retries, pool, optional } = options;
  const { retryOn, retryAfter } = retryFunctions(retries);
  if (retryOn !== undefined || retryAfter !== undefined) {
    throw new TypeError(
      `${what}: \`${retryOn === undefined ? "after" : "retryOn"}\` belongs to the task's definition: a function given to one node does not cross threads`,
    );
  }
  const timeout = timeoutMs(options.timeout, what);
  const rank = priority(options.priority, what);
  return {
    ...(isAbsent(options.name) ? {} : { name: shownText(options.name, "name", what) }),
    ...(isAbsent(options.label) ? {} : { label: shownText(options.label, "label", what) }),
    ...(isAbsent(after) ? {} : { after: afterNodes(after, what) }),
    ...(isAbsent(retries) ? {} : { retries: retryPolicy(retries, what) }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...poolOf(pool, what),
    ...(rank === undefined ? {} : { priority: rank }),
    ...(isAbsent(options.on) ? {} : { on: tagSet(options.on, what) }),
    ...optionalOf(optional, what),
  };
}

function poolOf(value: string | undefined, what: string): Pick<NodeSettings, "pool"> {
  const pool = option(value, `${what}: pool`, "the name of a pool", isText);
  return pool === undefined ? {} : { pool };
}

function optionalOf(value: boolean | undefined, what: string): Pick<NodeSettings, "optional"> {
  const optional = option(value, `${what}: optional`, "true or false", isBoolean);
  return optional === undefined ? {} : { optional };
}

function shownText(text: unknown, which: "name" | "label", what: string): string {
  if (isText(text)) return text;
  // Names are often made of data, and a number is shown as what it is.
  if (typeof text === "number") return String(text);
  throw new TypeError(`${what}: the ${which} of a node must be text, not ${shownValue(text)}`);
}

function afterNodes(nodes: unknown, what: string): AnyNode[] {
  // Holes of an array are not nodes.
  if (Array.isArray(nodes) && Array.from(nodes as unknown[]).every(isNode)) return [...nodes];
  throw new TypeError(`${what}: \`after\` is a list of nodes (call a task to make one)`);
}
