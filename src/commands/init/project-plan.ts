// The plan of a new project: its files and their conflicts with existing ones; and writing it.

import { resolve } from "node:path";

import type { Kit, TextFiles } from "../../kit/kit.ts";
import { reasonOf } from "../../base/system-error.ts";
import { UserError } from "../../cli/user-error.ts";
import type { Answers, Draft } from "./answers.ts";
import { projectFiles } from "./project.ts";
import { complete, type InitIo } from "./questions.ts";
import { type Conflicts, conflictsIn, writeProject } from "./write.ts";

export type ProjectPlan = {
  readonly answers: Answers;
  /** Absolute. */
  readonly folder: string;
  readonly files: TextFiles;
  readonly modules: TextFiles;
  readonly conflicts: Conflicts;
};

export type ProjectIo = InitIo & {
  readonly loadKit: () => Promise<Kit>;
  /** @returns git's error message; undefined on success */
  readonly startRepository: (folder: string) => string | undefined;
};

export async function planProject(draft: Draft, io: ProjectIo): Promise<ProjectPlan> {
  const answers = complete(draft, io);
  const folder = resolve(io.cwd, answers.folder);
  const { templates, modules } = await io.loadKit();
  const files = projectFiles(answers, templates, folder);
  const conflicts = conflictsIn(folder, files);
  const [blocked] = conflicts.folders;
  if (blocked !== undefined) {
    throw new UserError(`${resolve(folder, blocked)} is a folder`, "choose another folder");
  }
  return { answers, folder, files, modules: answers.editor ? modules : {}, conflicts };
}

/** Ignores Ctrl-C for the moment in which files are written, so that no half project is left. */
const ignore = (): void => undefined;

/** @returns the error message of git; undefined on success */
export function writePlan(plan: ProjectPlan, io: ProjectIo): string | undefined {
  const { folder, files, modules, answers } = plan;
  process.on("SIGINT", ignore);
  try {
    writeProject(folder, files, modules);
  } catch (error) {
    throw new UserError(`cannot write to ${folder}: ${reasonOf(error)}`);
  } finally {
    process.off("SIGINT", ignore);
  }
  return answers.git ? io.startRepository(folder) : undefined;
}

/** Without the files that would overwrite different ones: these are kept. */
export const withoutConflicts = (plan: ProjectPlan): ProjectPlan => ({
  ...plan,
  files: Object.fromEntries(
    Object.entries(plan.files).filter(([path]) => !plan.conflicts.files.includes(path)),
  ),
});
