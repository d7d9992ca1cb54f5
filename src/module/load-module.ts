// Loads a pipeline file in this thread, and finds the pipeline among its exports.

import { existsSync, statSync } from "node:fs";

import { Promise } from "../base/globals.ts";
import { showPathsFrom, shownPath } from "../base/path.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { Pipeline } from "../api/pipeline.ts";
import { registry } from "../api/registry.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import { describeLoadError } from "./describe-load-error.ts";
import { type Exports, importFile } from "./import-file.ts";
import { LoadError } from "./load-error.ts";

type Builtins = Readonly<Record<string, () => Promise<Exports>>>;

/** Makes `import … from "pipeloom"` resolve in user code without an install. Once per thread, before `loadModule`. */
export function providePackage(exports: Exports): void {
  Bun.plugin({
    name: "pipeloom",
    setup(build) {
      build.module("pipeloom", () => ({ exports: { ...exports }, loader: "object" }));
    },
  });
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Imports the module. Afterwards the registry holds its tasks and is sealed. A program may run several files: they load one
 * after another, and task names are unique within each.
 * @throws LoadError
 */
export function loadModule(ref: ModuleRef, builtins: Builtins): Promise<Exports> {
  const loaded = last.then(() => loadNext(ref, builtins));
  last = loaded.catch(() => undefined);
  return loaded;
}

async function loadNext(ref: ModuleRef, builtins: Builtins): Promise<Exports> {
  registry.tasks.clear();
  registry.sealed = false;
  if (ref.kind === "file" && ref.shownFrom !== undefined) showPathsFrom(ref.shownFrom);
  try {
    return await (ref.kind === "file"
      ? importChecked(ref.path)
      : importBuiltin(ref.name, builtins));
  } finally {
    rememberTasks(ref.kind === "file" ? ref.path : ref.name);
    registry.sealed = true;
  }
}

/** A module is evaluated once in a thread: when it is loaded again, it registers nothing. */
const tasksOf = new Map<string, readonly AnyTaskDefinition[]>();

function rememberTasks(module: string): void {
  if (registry.tasks.size > 0) tasksOf.set(module, [...registry.tasks.values()]);
  else for (const task of tasksOf.get(module) ?? []) registry.tasks.set(task.name, task);
}

async function importBuiltin(name: string, builtins: Builtins): Promise<Exports> {
  const load = builtins[name];
  if (load === undefined) throw new LoadError(`there is no built-in pipeline "${name}"`);
  return load();
}

async function importChecked(path: string): Promise<Exports> {
  const shown = shownPath(path);
  if (!existsSync(path)) throw new LoadError(`${shown}: no such file`);
  if (statSync(path).isDirectory()) {
    throw new LoadError(`${shown} is a folder; name the pipeline file in it`);
  }
  try {
    return await raceWithRun(importFile(path));
  } catch (error) {
    throw new LoadError(describeLoadError(error, path), { cause: error });
  }
}

/**
 * The Workers of a program that calls `runPipeline` at its top level import that program. In a Worker the call never
 * resolves (see run-pipeline.ts), but the tasks are defined by then, so the module counts as loaded.
 */
async function raceWithRun(imported: Promise<Exports>): Promise<Exports> {
  const called = new Promise<Exports>((resolve) => {
    registry.onRun = () => resolve({});
  });
  return Promise.race([imported, called]);
}

/** @throws LoadError when the export is not a pipeline */
export function pipelineIn(exports: Exports, ref: ModuleRef): Pipeline {
  const named = ref.kind === "file" && ref.pipeline !== undefined ? ref.pipeline : undefined;
  const byName = named === undefined ? undefined : registry.pipelines.get(named);
  if (byName instanceof Pipeline) return byName;
  const name = ref.kind === "file" ? ref.export : "default";
  const what = ref.kind === "file" ? shownPath(ref.path) : ref.name;
  const value = exports[name];
  if (value instanceof Pipeline) return value;
  if (!(name in exports)) throw new LoadError(missingExport(exports, name, what));
  throw new LoadError(
    `${what}: the ${name === "default" ? "default export" : `export "${name}"`} is ${describe(value)}, not a pipeline; export the result of \`pipeline({ … })\``,
  );
}

function missingExport(exports: Exports, name: string, what: string): string {
  const pipelines = Object.keys(exports).filter((key) => exports[key] instanceof Pipeline);
  const missing =
    name === "default"
      ? `${what}: there is no default export`
      : `${what}: there is no export "${name}"`;
  const example = pipelines[0];
  return example === undefined
    ? `${missing}; end the file with \`export default pipeline({ … })\``
    : `${missing}; it exports ${pipelines.map((key) => `"${key}"`).join(", ")}: name it, as in \`${pipeloomCommand("run", `${what}:${example}`)}\``;
}

function describe(value: unknown): string {
  if (typeof value === "function") {
    return "taskName" in value ? `the task "${String(value.taskName)}"` : "a function";
  }
  if (value === null || value === undefined) return String(value);
  return typeof value === "object"
    ? Array.isArray(value)
      ? "a list"
      : "an object"
    : `a ${typeof value}`;
}
