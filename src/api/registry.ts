// The tasks and pipelines of this thread, by name. On globalThis, so that two copies of the package in one program share it.

import type { RunProgram } from "./program.ts";
import type { AnyTaskDefinition } from "./task-definition.ts";

type Registry = {
  readonly tasks: Map<string, AnyTaskDefinition>;
  /** Names of the tasks that `sh` has defined. */
  readonly programs: Set<string>;
  /** The options of each task: the text of their `run` shows what it does outside the database. */
  readonly options: Map<string, { readonly run: object }>;
  /** By name; of two with one name, the later. Finds a pipeline that is run but not exported. */
  readonly pipelines: Map<string, object>;
  /** True once the module is loaded: a task that is defined later would be unknown to the other threads. */
  sealed: boolean;
  /** In a Worker: called when the module calls `runPipeline` while it loads (see module/load.ts). */
  onRun: (() => void) | undefined;
  /** In a Worker: whether the code that runs belongs to a task. */
  isInTask: (() => boolean) | undefined;
  /** The module is only looked at: a call of `runPipeline` runs nothing. */
  isLookedAt: boolean;
  /** In a Worker: what `sh` calls. */
  runProgram: RunProgram | undefined;
};

const key = Symbol.for("pipeloom.registry");
const holder = globalThis as { [key]?: Registry };
export const registry: Registry = (holder[key] ??= {
  tasks: new Map(),
  programs: new Set(),
  options: new Map(),
  pipelines: new Map(),
  sealed: false,
  onRun: undefined,
  isInTask: undefined,
  isLookedAt: false,
  runProgram: undefined,
});

export function register(definition: AnyTaskDefinition, options: { readonly run: object }): void {
  const { name } = definition;
  if (registry.sealed) {
    throw new Error(
      `task "${name}" is defined while the pipeline runs; define tasks at the top level of the module, so that every thread knows them`,
    );
  }
  const other = registry.tasks.get(name);
  if (other !== undefined) {
    throw new Error(
      `two tasks are called "${name}"; give each a name of its own: the other threads find a task by its name`,
    );
  }
  registry.tasks.set(name, definition);
  registry.options.set(name, options);
}
