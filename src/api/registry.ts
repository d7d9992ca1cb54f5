// The tasks of this thread, by name. On globalThis, so that two copies of the package in one program share it.

import type { TaskContext } from "./context.ts";
import type { ProgramEntry } from "../protocol/shared/programs.ts";
import type { Pipeline } from "./pipeline.ts";
import type { AnyTaskDefinition } from "./task.ts";

type Registry = {
  readonly tasks: Map<string, AnyTaskDefinition>;
  /** By name, the last of each: for a run of one that no export holds. */
  readonly pipelines: Map<string, Pipeline>;
  /** Once a module has been loaded, a task defined later would be unknown in the other threads. */
  sealed: boolean;
  /** In a Worker: called when the module calls `runPipeline` while it loads (see api/load.ts). */
  onRun: (() => void) | undefined;
  /** In a Worker: a program is about to be started; main ends what a lost thread leaves behind. */
  onProgram: (() => ProgramEntry) | undefined;
  /** In a Worker: a program of this attempt has written; the lines are the task's log. */
  onProgramText:
    ((ctx: TaskContext, stream: "stdout" | "stderr", text: string) => void) | undefined;
};

const key = Symbol.for("pipeloom.registry");
const holder = globalThis as { [key]?: Registry };
export const registry: Registry = (holder[key] ??= {
  tasks: new Map(),
  pipelines: new Map(),
  sealed: false,
  onRun: undefined,
  onProgram: undefined,
  onProgramText: undefined,
});

export function register(definition: AnyTaskDefinition): void {
  const { name } = definition;
  if (registry.sealed) {
    throw new Error(
      `task "${name}" is defined while the pipeline runs; define tasks at the top level of the module, so that every thread knows them`,
    );
  }
  const other = registry.tasks.get(name);
  if (other !== undefined) {
    throw new Error(
      `two tasks are called "${name}"; a task's name must be unique, for it is how the other threads find it`,
    );
  }
  registry.tasks.set(name, definition);
}
