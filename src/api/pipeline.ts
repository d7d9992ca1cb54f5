// `pipeline`: the default export of a pipeline file. It only describes; the engine runs it.

import type { TaskFinished } from "../protocol/events.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";
import type { MessageHandle } from "./message.ts";
import type { Node } from "./node.ts";
import type { ParamDefaults, ParamsOf, StandardSchema } from "./params.ts";
import { registry } from "./registry.ts";

/** A node, or many: what is reachable from these runs. A generator streams. */
export type Work = Node<unknown> | Iterable<Node<unknown>> | AsyncIterable<Node<unknown>>;

/** A named limit: how many tasks of the pool run at once, and how many may start in a stretch of time. */
export type PoolLimit = number | { readonly limit: number; readonly per?: Duration };

export type PipelineOptions<Spec> = {
  /** Tells this pipeline's runs from another's in the same database. */
  readonly name: string;
  /** Defaults, whose types the values follow; or any Standard Schema (zod, valibot, arktype). */
  readonly params?: Spec;
  /** SQL that the writer runs at the start of a run, in one transaction, before any task. */
  readonly schema?: string;
  /** The messages that tasks may `ctx.emit`. */
  readonly messages?: readonly MessageHandle<never>[];
  /** Named limits, e.g. `{ api: 4 }` or `{ api: { limit: 10, per: "1s" } }`. */
  readonly pools?: { readonly [name: string]: PoolLimit };
  /**
   * Environment variables whose values are masked in the text that pipeloom writes: logs, failures, names, events, the
   * stored params. Rows, inputs and results are never altered; a result or a cursor that holds one (of 8 characters or
   * more) fails its task.
   */
  readonly secrets?: readonly string[];
  /** Where the data goes unless `--db` says otherwise. Default `./pipeloom.db`. */
  readonly db?: string;
  readonly tasks: Work | ((args: { readonly params: ParamsOf<Spec> }) => Work | Promise<Work>);
  /** How many tasks a generator will yield, where that is known beforehand: for the bar and the remaining time. */
  readonly total?: number | ((args: { readonly params: ParamsOf<Spec> }) => number);
  /**
   * Called on the main thread when a task's end is committed: in order, one call at a time, for at most 10 s each. A
   * thousand ends may wait for it, then the run does; the run's end waits for 10 s. Its failure is logged and changes
   * nothing.
   */
  readonly onTaskFinish?: (event: TaskFinished) => unknown;
  /** Called on the main thread when the run is over, after `onTaskFinish`, for at most 10 s. Its failure is logged and changes nothing. */
  readonly onFinish?: (summary: RunSummary) => unknown;
};

export class Pipeline {
  /** In messages; the executable's own names are shortened. */
  static readonly name = "Pipeline";
  readonly name: string;
  readonly params: ParamDefaults | StandardSchema<unknown> | undefined;
  readonly schema: string | null;
  readonly messages: readonly MessageHandle<never>[];
  readonly pools: ReadonlyMap<string, { readonly limit: number; readonly perMs: number | null }>;
  readonly secrets: readonly string[];
  readonly db: string | undefined;
  readonly tasks: PipelineOptions<ParamDefaults>["tasks"];
  readonly total: PipelineOptions<ParamDefaults>["total"];
  readonly onTaskFinish: ((event: TaskFinished) => unknown) | undefined;
  readonly onFinish: ((summary: RunSummary) => unknown) | undefined;
  /** The file that called `pipeline`, for `runPipeline(value)`: Workers import it to find the tasks. */
  readonly origin: string | null;

  constructor(options: PipelineOptions<ParamDefaults>, origin: string | null) {
    this.name = options.name;
    this.params = options.params;
    this.schema = options.schema ?? null;
    this.messages = options.messages ?? [];
    this.pools = poolLimits(options.pools ?? {}, `pipeline "${options.name}"`);
    this.secrets = options.secrets ?? [];
    this.db = options.db;
    this.tasks = options.tasks;
    this.total = options.total;
    this.onTaskFinish = options.onTaskFinish;
    this.onFinish = options.onFinish;
    this.origin = origin;
  }
}

type NoParams = Readonly<Record<string, never>>;

/**
 * Describes a pipeline; make it the default export of the file.
 * @throws TypeError or RangeError for a wrong option
 */
export function pipeline<const Spec extends ParamDefaults | StandardSchema<unknown> = NoParams>(
  options: PipelineOptions<Spec>,
): Pipeline {
  if (typeof options.name !== "string" || options.name.trim() === "") {
    throw new TypeError(
      'pipeline: `name` must be a string that is not empty, e.g. pipeline({ name: "posts", … })',
    );
  }
  const what = `pipeline "${options.name}"`;
  if (options.tasks === undefined || options.tasks === null) {
    throw new TypeError(
      `${what}: \`tasks\` must be a node, a list or generator of nodes, or a function that returns one`,
    );
  }
  const names = (options.messages ?? []).map((handle) => handle.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new TypeError(`${what}: two messages are called "${twice}"`);
  const made = new Pipeline(options as unknown as PipelineOptions<ParamDefaults>, callerFile());
  registry.pipelines.set(made.name, made);
  return made;
}

function poolLimits(
  pools: { readonly [name: string]: PoolLimit },
  what: string,
): Pipeline["pools"] {
  return new Map(
    Object.entries(pools).map(([name, pool]) => {
      const { limit, per } = typeof pool === "number" ? { limit: pool, per: undefined } : pool;
      if (!Number.isSafeInteger(limit) || limit < 1) {
        throw new RangeError(
          `${what}: pool "${name}" must have a limit of at least 1, not ${limit}`,
        );
      }
      const perMs = per === undefined ? null : durationMs(per, `${what}: pool "${name}": per`);
      return [name, { limit, perMs }] as const;
    }),
  );
}

/** The file two frames up: who called `pipeline`. Null when the stack does not say. */
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

/** Libraries set Error.prepareStackTrace, which may return anything, or throw. */
function stackHere(): string {
  try {
    const { stack }: { stack?: unknown } = new Error("");
    return typeof stack === "string" ? stack : "";
  } catch {
    return "";
  }
}
