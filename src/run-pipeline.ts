// Composition root: loads a pipeline and runs it with threads and SQLite. Called by the command line and by Bun programs.

import { checkedRunOptions, type RunPipelineOptions } from "./api/run-pipeline-options.ts";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";

import { Date, Promise } from "./base/globals.ts";
import { LoadError } from "./module/load-error.ts";
import type { Only } from "./plan/selection.ts";
import { loadModule, pipelineIn } from "./module/load-module.ts";
import { describeValue, shownValue } from "./base/describe-value.ts";
import { pathOf, startFolder } from "./base/path.ts";
import { onlyWords, paramWords } from "./api/param-words.ts";
import { resolveParams } from "./api/params.ts";
import { Pipeline } from "./api/pipeline.ts";
import { registry } from "./api/registry.ts";
import { RerunError, rerunsOf, resumeOf, slotOf } from "./api/rerun-options.ts";
import { codeHash, loadedPath, sourcesOf } from "./module/sources.ts";
import { builtins } from "./examples/builtins.ts";
import type { RunEvent } from "./protocol/events.ts";
import { engineWords } from "./protocol/engine-url.ts";
import { takeEngineSecrets } from "./protocol/engine-secrets.ts";
import { labelled } from "./protocol/label.ts";
import type { ModuleRef } from "./protocol/messages.ts";
import type { Trigger, WriterOptions } from "./protocol/run-request.ts";
import { Programs } from "./protocol/shared/programs.ts";
import type { LogLevel } from "./protocol/status.ts";
import type { RunSummary } from "./protocol/summary.ts";
import { spawnTaskWorker, spawnWriter } from "./spawn.ts";
import { maxConcurrency, maxWorkers, type RunOptions } from "./engine/run-options.ts";
import { Run } from "./engine/run.ts";
import type { WarmThreads } from "./executors/threads/warm-threads.ts";
import { databaseOfRun, type DatabaseOfRun, defaultDb } from "./store/choose-database.ts";
import { threadExecutors } from "./executors/threads/worker-pool.ts";
import { isSlot } from "./serve/schedule-slots.ts";
import { version } from "./version.ts";

/** Further options of the command line. */
export type RunHooks = {
  readonly onEvents?: (events: readonly RunEvent[]) => void;
  readonly behind?: () => Promise<void> | undefined;
  readonly onOutput?: (level: LogLevel, line: string) => void;
  /** Default: `library`. */
  readonly trigger?: Trigger;
  /** See `RunOptions`. Default: the arguments that say what the options say. */
  readonly again?: readonly string[] | undefined;
  readonly threads?: WarmThreads;
  /** Table of the processes that tasks have started. */
  readonly programs?: Programs;
};

/** A pipeline that is loaded and whose params are checked. */
export type LoadedPipeline = {
  readonly pipeline: Pipeline;
  readonly module: ModuleRef;
  /** Where relative paths of the pipeline start: the folder of its file; of a pipeline of this program, `from`. */
  readonly folder: string;
  /** Where relative paths of the options start. The module may have called `process.chdir` since. */
  readonly from: string;
};

/** @throws LoadError */
export async function loadPipeline(module: ModuleRef): Promise<LoadedPipeline> {
  const from = startFolder() ?? process.cwd();
  const folder = module.kind === "file" ? dirname(module.path) : from;
  return { module, folder, from, pipeline: pipelineIn(await loadModule(module, builtins), module) };
}

/**
 * The database of a run; see `databaseOfRun`.
 * @throws TypeError: without a compiler, `db` may be anything
 */
export async function chooseDatabase(
  { pipeline, folder, from }: LoadedPipeline,
  given: string | undefined,
): Promise<DatabaseOfRun> {
  const named: unknown = given ?? pipeline.db ?? defaultDb;
  if (typeof named !== "string" || named === "") {
    throw new TypeError(`db must be a path or ":memory:", not ${shownValue(named)}`);
  }
  return databaseOfRun({ given, from, declared: pipeline.db, folder, pipeline: pipeline.name });
}

/**
 * A run that is ready to start.
 * @throws ParamsError, RerunError, EngineError
 */
export async function prepareRun(
  loaded: LoadedPipeline,
  options: RunPipelineOptions,
  hooks: RunHooks = {},
): Promise<Run> {
  const run = await runOptionsOf(loaded, options, hooks);
  const again = hooks.again ?? (await argumentsOf(loaded, options, run.params));
  // Last: it holds connections, which the run closes.
  return new Run({ ...run, again, ...(await onEngine(loaded, options, run)) });
}

/** @throws EngineError, LoadError, RangeError */
async function onEngine(
  { module, pipeline, folder }: LoadedPipeline,
  { engine: url, workers, concurrency, signal }: RunPipelineOptions,
  { writer: { db }, sources = [], definitions = [], onOutput: say }: RunOptions,
): Promise<Partial<RunOptions>> {
  if (url === undefined) return {};
  if (workers !== undefined) {
    throw new RangeError(
      "workers: with `engine`, the threads are those of the machines where `pipeloom worker` runs",
    );
  }
  takeEngineSecrets();
  const { engineOf } = await import("./run-engine.ts");
  const { name } = pipeline;
  const files = definitions.flatMap(({ reuse }) => reuse?.files ?? []);
  const about = { module, sources, pipeline: name, folder, files };
  return engineOf({ ...about, url, db, concurrency, say, signal });
}

/** @throws ParamsError, RerunError */
export async function runOptionsOf(
  loaded: LoadedPipeline,
  options: RunPipelineOptions,
  hooks: RunHooks = {},
): Promise<RunOptions> {
  const { pipeline, module, folder } = loaded;
  const { onEvent } = options;
  const onOutput = hooks.onOutput ?? showOutput;
  const database = await chooseDatabase(loaded, options.db);
  if (database.notice !== undefined) onOutput("warn", database.notice);
  const params = await resolveParams(pipeline.params, options.params ?? {});
  const trigger = hooks.trigger ?? "library";
  return {
    pipeline,
    trigger,
    version,
    module,
    ...codeOf(module, folder),
    writer: writerOptions(database.path, options),
    params,
    resume: resumeOf(options),
    scheduledFor: checkedSlot(pipeline, slotOf(options, database.path), onOutput),
    // Serve has looked, too. But a run may have begun while this process was loading the file.
    isAlone: trigger === "schedule" && pipeline.schedule?.overlap !== "allow",
    reruns: rerunsOf(options),
    only: onlyOf(options),
    reuse: options.reuse ?? true,
    wait: options.wait ?? false,
    workers: countOf(options.workers, "workers", maxWorkers),
    concurrency: countOf(options.concurrency, "concurrency", maxConcurrency),
    failFast: options.failFast ?? false,
    inputs: options.inputs ?? "short",
    cores: availableParallelism(),
    createExecutors: threadExecutors(hooks.threads?.spawnTaskWorker ?? spawnTaskWorker),
    spawnWriter: hooks.threads?.spawnWriter ?? spawnWriter,
    programs: hooks.programs,
    spareThreads: hooks.threads,
    onEvents: (events) => {
      hooks.onEvents?.(events);
      if (onEvent !== undefined) for (const event of events) onEvent(labelled(event));
    },
    behind: hooks.behind,
    onOutput,
  };
}

/** Any time is taken: the schedule may have been another one when the run began. */
function checkedSlot(
  { name, schedule }: Pipeline,
  slot: string | null,
  say: RunOptions["onOutput"],
): string | null {
  if (slot !== null && schedule !== null && !isSlot(schedule, Date.parse(slot))) {
    say("warn", `${slot} is not a time of the schedule of "${name}"`);
  }
  return slot;
}

const writerOptions = (
  db: string,
  { wal = true, durability = "full", storeTaskStatus = true }: RunPipelineOptions,
): WriterOptions => ({ db, wal, durability, storeTaskStatus });

/** Undefined where a command line cannot name the run. A pipeline of another program need not be exported by its file. */
async function argumentsOf(
  { module, pipeline }: LoadedPipeline,
  { params: given = {}, scheduledFor, only, onlyTasks = [], engine }: RunPipelineOptions,
  params: Record<string, unknown>,
): Promise<readonly string[] | undefined> {
  if (module.kind === "builtin" || module.pipeline !== undefined) return undefined;
  const words = await paramWords(pipeline.params, given, params);
  if (words === undefined) return undefined;
  const slot = scheduledFor === undefined ? [] : ["--scheduled-for", scheduledFor];
  const part = onlyWords(only ?? {}, onlyTasks);
  return [fileArgument(module), ...words, ...slot, ...part, ...engineWords(engine)];
}

/** What `fileRef` reads back, from any folder. */
export const fileArgument = ({
  path,
  export: name,
}: Extract<ModuleRef, { kind: "file" }>): string => (name === "default" ? path : `${path}:${name}`);

function codeOf(
  module: ModuleRef,
  folder: string,
): Pick<RunOptions, "sources" | "code" | "tasks" | "definitions" | "fingerprints" | "parts"> {
  const tasks = [...registry.tasks.keys()];
  const definitions = Array.from(registry.tasks.values(), ({ name, reuse, label }) => ({
    name,
    reuse,
    label,
  }));
  if (module.kind === "builtin") return { tasks, definitions };
  const path = loadedPath(module.path);
  const sources = sourcesOf(path);
  return {
    sources,
    code: codeHash(path, sources),
    tasks,
    definitions,
    parts: async (found, request) =>
      (await import("./module/task-parts.ts")).taskParts(folder, found, request),
    fingerprints: async () =>
      (await import("./module/fingerprints.ts")).fingerprintsOf(path, sources, tasks),
  };
}

function onlyOf(options: RunPipelineOptions): Only | undefined {
  const { only = {}, onlyTasks: titles = [], keep = [], rerun = [] } = options;
  if (options.only === undefined && titles.length === 0) return undefined;
  if (keep.length + rerun.length > 0) {
    throw new RerunError(
      "only: a part of the plan is a run of its own; leave out what is asked of an earlier run",
    );
  }
  const members = new Map(
    Object.entries(only).map(([name, value]) => [
      name,
      (Array.isArray(value) ? value : [value]).map(String),
    ]),
  );
  return { members, titles };
}

/** Lines at `debug` are not shown: each thread that imports the module prints the same ones. */
function showOutput(level: LogLevel, line: string): void {
  if (level !== "debug") console.error(`${level}: ${line}`);
}

function countOf(value: number | undefined, name: string, most: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) {
    return value;
  }
  const bound = value > most ? `at most ${most}` : "at least 1";
  throw new RangeError(`${name} must be an integer of ${bound}, not ${shownValue(value)}`);
}

/**
 * Runs a pipeline: a file (`"etl.ts"`, `"etl.ts:name"`), or the value of `pipeline({ … })` in this program. Workers import
 * the file that defines the pipeline. If that is this program, its call of `runPipeline` does nothing in a worker.
 *
 * @returns the summary; failed tasks are listed in it and not thrown
 * @throws LoadError, ParamsError, PlanError or StoreError before any task has run; Error when a task calls it
 */
export async function runPipeline(
  target: string | Pipeline,
  options: RunPipelineOptions = {},
): Promise<RunSummary> {
  if (!Bun.isMainThread || registry.isLookedAt) {
    if (registry.isInTask?.() === true) throw new Error(inTask);
    registry.onRun?.();
    return new Promise<never>(() => undefined);
  }
  const checked = checkedRunOptions(options);
  const programs = Programs.create();
  using _ = programs.reaper;
  const run = await prepareRun(await targetOf(target), checked, { programs });
  const stop = (): void => run.stop(false);
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  try {
    return await run.start();
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

/** A promise that never settles, as when the module loads, would hang the task. */
const inTask =
  "a task cannot call runPipeline: it runs in a worker thread; let `tasks` return the other pipeline's nodes too, or let the program run one pipeline after the other";

async function targetOf(target: string | Pipeline): Promise<LoadedPipeline> {
  if (typeof target === "string") return loadPipeline(fileRef(target));
  if (!(target instanceof Pipeline)) {
    throw new TypeError(
      `runPipeline: the first argument is ${describeValue(target)}; pass the path of a file, or what \`pipeline({ … })\` has returned`,
    );
  }
  if (target.origin === null) {
    throw new LoadError(
      "runPipeline: cannot tell which file defines the pipeline; pass the file's path",
    );
  }
  const { origin, name } = target;
  const folder = process.cwd();
  return {
    pipeline: target,
    folder,
    from: folder,
    module: { kind: "file", path: origin, export: "default", pipeline: name },
  };
}

const withExport = /^([^]*\.[cm]?[jt]sx?):([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)$/u;

/** Parses `etl.ts`, `etl.ts:nightly` or `file:///home/me/etl.ts`. A file whose name has a colon is found too. */
export function fileRef(text: string): Extract<ModuleRef, { kind: "file" }> {
  const folder = process.cwd();
  const whole = pathOf(text, folder);
  const [, path, name] = withExport.exec(text) ?? [];
  return path === undefined || name === undefined || existsSync(whole)
    ? { kind: "file", path: whole, export: "default" }
    : { kind: "file", path: pathOf(path, folder), export: name };
}
