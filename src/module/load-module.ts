// Loads a pipeline file in this thread, and says what is wrong with it by file and line.

import { existsSync, readFileSync, statSync } from "node:fs";

import { Promise } from "../base/globals.ts";
import { shownPath } from "../base/path.ts";
import { thrownAt } from "../base/thrown-at.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { type Exports, importFile } from "./import-file.ts";
import { Pipeline } from "../api/pipeline.ts";
import { registry } from "../api/registry.ts";

/** The file cannot be used; `message` is for a person and names file, line and what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

type Builtins = Readonly<Record<string, () => Promise<Exports>>>;

/** Lets `import … from "pipeloom"` resolve in user code, without any install. Once per thread, before `load`. */
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
 * Imports the module; its tasks are in the registry afterwards, and no more may be defined. A program may run several
 * files: they are loaded one after another, and the names of tasks are unique in each.
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
  try {
    return await (ref.kind === "file"
      ? importChecked(ref.path)
      : importBuiltin(ref.name, builtins));
  } finally {
    registry.sealed = true;
  }
}

async function importBuiltin(name: string, builtins: Builtins): Promise<Exports> {
  const load = builtins[name];
  if (load === undefined) throw new LoadError(`no pipeline called "${name}" ships with pipeloom`);
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
 * A program that calls `runPipeline` at its top level is imported by its own Workers. There the call does nothing and
 * never resolves (see engine/library.ts), but by then the tasks are defined: that is as good as loaded.
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
  if (byName !== undefined) return byName;
  const name = ref.kind === "file" ? ref.export : "default";
  const what = ref.kind === "file" ? shownPath(ref.path) : ref.name;
  const value = exports[name];
  if (value instanceof Pipeline) return value;
  if (!(name in exports)) throw new LoadError(missingExport(exports, name, what));
  throw new LoadError(
    `${what}: the ${name === "default" ? "default export" : `export "${name}"`} is ${describe(value)}, not a pipeline; export what \`pipeline({ … })\` returns`,
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
    : `${missing}; it exports ${pipelines.map((key) => `"${key}"`).join(", ")}: name it, as in \`pipeloom run ${what}:${example}\``;
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

/** What Bun throws for a file it cannot build or resolve: a position, and the line's text. */
type Positioned = {
  readonly message: string;
  readonly position: Position | null;
  /** Of an import that does not resolve: what it says, and the file it stands in. */
  readonly specifier?: string;
  readonly referrer?: string;
};

type Position = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
};

const isPositioned = (error: unknown): error is Positioned =>
  typeof error === "object" && error !== null && "position" in error && "message" in error;

function describeLoadError(error: unknown, path: string): string {
  if (
    error instanceof AggregateError &&
    error.errors.length > 0 &&
    error.errors.every(isPositioned)
  ) {
    return error.errors.map((each: unknown) => describeLoadError(each, path)).join("\n");
  }
  if (isPositioned(error)) return positioned(error, path);
  const missing = error instanceof Error ? nameOf(error, path) : undefined;
  return missing === undefined ? thrownAt(error, path) : positioned(missing, path);
}

function positioned(error: Positioned, path: string): string {
  const position = error.position ?? importOf(error, path);
  if (position === undefined) return `${shownPath(path)}: ${error.message}`;
  const at = `${shownPath(position.file === "" ? path : position.file)}:${position.line}:${position.column}`;
  const marker = `${" ".repeat(Math.max(position.column - 1, 0))}^`;
  return `${at}: ${error.message}\n  ${position.lineText}\n  ${marker}`;
}

/** Bun does not say on which line an import stands that does not resolve: the first that names it. */
function importOf({ specifier, referrer }: Positioned, path: string): Position | undefined {
  if (specifier === undefined) return undefined;
  const file = referrer === undefined || referrer === "" ? path : referrer;
  return placeOf(file, new RegExp(`["'\`]${RegExp.escape(specifier)}["'\`]`));
}

function placeOf(file: string, pattern: RegExp): Position | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  const index = lines.findIndex((line) => pattern.test(line));
  const lineText = lines[index];
  if (lineText === undefined) return undefined;
  return { file, line: index + 1, column: lineText.search(pattern) + 1, lineText };
}

/** An import of a name that the module does not have. */
const missingName = /^Export named '(.+)' not found in module '(.+)'/;

function nameOf(error: Error, path: string): Positioned | undefined {
  const name = missingName.exec(error.message)?.[1];
  const position =
    name === undefined ? undefined : placeOf(path, new RegExp(`\\b${RegExp.escape(name)}\\b`));
  return position === undefined ? undefined : { message: error.message, position };
}
