// What is to be written, and writing it.

import { resolve } from "node:path";

import type { Kit, TextFiles } from "../../kit/kit.ts";
import { toFailure } from "../../base/failure.ts";
import { UserError } from "../../cli/user-error.ts";
import type { Answers, Draft } from "./answers.ts";
import { projectFiles } from "./project.ts";
import { complete, type Surroundings } from "./questions.ts";
import { type Conflicts, conflictsIn, writeProject } from "./write.ts";

/** What is to be written, and where. */
export type Plan = {
  readonly answers: Answers;
  /** Absolute. */
  readonly folder: string;
  readonly files: TextFiles;
  readonly modules: TextFiles;
  readonly conflicts: Conflicts;
};

/** What planning and writing need of the world. */
export type Workshop = Surroundings & {
  readonly loadKit: () => Promise<Kit>;
  /** @returns what git complained about */
  readonly startRepository: (folder: string) => string | undefined;
};

export async function planFor(draft: Draft, options: Workshop): Promise<Plan> {
  const answers = complete(draft, options);
  const folder = resolve(options.cwd, answers.folder);
  const { templates, modules } = await options.loadKit();
  const files = projectFiles(answers, templates, folder);
  const conflicts = conflictsIn(folder, files);
  const [blocked] = conflicts.folders;
  if (blocked !== undefined) {
    throw new UserError(`${resolve(folder, blocked)} is a folder`, "choose another folder");
  }
  return { answers, folder, files, modules: answers.editor ? modules : {}, conflicts };
}

/** Listened to while files are written: it is short, and half a project is worse than a Ctrl-C that waits. */
const hold = (): void => undefined;

/** @returns what git complained about */
export function carryOut(plan: Plan, options: Workshop): string | undefined {
  const { folder, files, modules, answers } = plan;
  process.on("SIGINT", hold);
  try {
    writeProject(folder, files, modules);
  } catch (error) {
    throw new UserError(`cannot write the project: ${toFailure(error).message}`);
  } finally {
    process.off("SIGINT", hold);
  }
  return answers.git ? options.startRepository(folder) : undefined;
}

/** Without the files that are there and would become others. */
export const withoutConflicts = (plan: Plan): Plan => ({
  ...plan,
  files: Object.fromEntries(
    Object.entries(plan.files).filter(([path]) => !plan.conflicts.files.includes(path)),
  ),
});
