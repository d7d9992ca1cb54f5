// From answers to a project: asks the open questions, shows the files, and writes them. Nothing is written before the last
// answer, so a person may quit at any question.

import { existsSync } from "node:fs";
import { relative } from "node:path";
import type { Readable, Writable } from "node:stream";

import { UsageError } from "../../cli/usage-error.ts";
import { UserError } from "../../cli/user-error.ts";
import type { Draft } from "./answers.ts";
import { Interview } from "./interview.ts";
import {
  writePlan,
  type ProjectPlan,
  planProject,
  withoutConflicts,
  type ProjectIo,
} from "./project-plan.ts";
import { Prompts } from "./prompts.ts";
import { openQuestions } from "./questions.ts";
import { closing, inventory, outcome, statesOf } from "./wizard-text.ts";

export type InitOptions = ProjectIo & {
  /** Ask nothing, use the defaults. */
  readonly yes: boolean;
  /** Overwrite without asking. */
  readonly force: boolean;
  readonly input: Readable;
  readonly output: Writable;
  /** Whether a person can answer. */
  readonly isTty: boolean;
  /** How to call pipeloom from a folder. */
  readonly programName: (folder: string) => string;
};

/**
 * @param given the answers of the flags
 * @returns the exit code: 130 after Ctrl-C, 1 when the person declines
 * @throws UsageError when answers are missing and there is no terminal to ask in
 */
export async function initProject(given: Draft, options: InitOptions): Promise<number> {
  const open = openQuestions(given, options);
  if (options.yes || open.length === 0) return await withoutAsking(given, options);
  if (options.isTty) return await asking(given, options);
  throw new UsageError(
    `no terminal to ask questions in; missing answers: ${open.map(({ flag }) => flag).join(", ")}`,
    "to use the defaults: pipeloom init --yes",
  );
}

async function withoutAsking(given: Draft, options: InitOptions): Promise<number> {
  const plan = await planProject(given, options);
  if (plan.conflicts.files.length > 0 && !options.force) {
    throw new UserError(
      `different files exist: ${plan.conflicts.files.join(", ")}`,
      "--force overwrites them; or choose another folder",
    );
  }
  const { output } = options;
  const complaint = writePlan(plan, options);
  output.write(`${wrote(plan, options)}\n`);
  if (complaint !== undefined) output.write(`git init failed: ${complaint}\n`);
  output.write(`\n${closing(closingOf(plan, options))}\n`);
  return 0;
}

const shown = (folder: string, { cwd }: InitOptions): string => {
  const path = relative(cwd, folder);
  return path === "" ? "." : path.startsWith("..") ? folder : `./${path.replaceAll("\\", "/")}`;
};

function wrote({ folder, files, modules, conflicts }: ProjectPlan, options: InitOptions): string {
  const states = statesOf(conflicts, "overwritten");
  const lines = inventory({ files, modules, states }).split("\n");
  return [`Written to ${shown(folder, options)}:`, ...lines].join("\n  ");
}

const closingOf = (
  { folder }: ProjectPlan,
  options: InitOptions,
): Parameters<typeof closing>[0] => ({
  path: relative(options.cwd, folder),
  program: options.programName(folder),
});

// ── interactive ────────────────────────────────────────────────────────────────────────────────────────

type Decision = "write" | "keep" | "back" | "decline" | "quit";

async function asking(given: Draft, options: InitOptions): Promise<number> {
  using prompts = new Prompts(options.input, options.output);
  prompts.intro("pipeloom init (Esc goes back)");
  const interview = new Interview(prompts, options, given);
  for (;;) {
    const draft = await interview.finish();
    if (draft === undefined) return quit(prompts, 130);
    try {
      const plan = await planProject(draft, options);
      const decision = await decide(plan, prompts, options);
      if (decision === "back" && interview.back()) continue;
      if (decision === "write" || decision === "keep") {
        return finish(decision === "keep" ? withoutConflicts(plan) : plan, prompts, options);
      }
      return quit(prompts, decision === "decline" ? 1 : 130);
    } catch (error) {
      // Another folder may do: the other answers stay.
      if (!(error instanceof UserError) || !interview.again("folder")) throw error;
      prompts.problem(error.message);
    }
  }
}

function quit(prompts: Prompts, code: number): number {
  prompts.cancelled("Nothing was written.");
  return code;
}

async function decide(
  plan: ProjectPlan,
  prompts: Prompts,
  options: InitOptions,
): Promise<Decision> {
  const { files, conflicts, folder, modules } = plan;
  const there = shown(folder, options);
  const states = statesOf(conflicts, options.force ? "overwritten" : "yours is different");
  const lines = inventory({ files, modules, states });
  prompts.note(lines, existsSync(folder) ? `In ${there}` : `In the new folder ${there}`);
  if (conflicts.files.length > 0 && !options.force) return await decideConflict(plan, prompts);
  const asked = await prompts.confirm("Write this?", true);
  if (asked.kind !== "answer") return asked.kind;
  return asked.value ? "write" : "decline";
}

async function decideConflict({ conflicts }: ProjectPlan, prompts: Prompts): Promise<Decision> {
  const asked = await prompts.select<Decision>(`${conflicts.files.join(", ")} exist already`, [
    { value: "keep", label: "Keep mine", hint: "write only the others" },
    { value: "write", label: "Overwrite" },
    { value: "decline", label: "Leave", hint: "write nothing" },
  ]);
  return asked.kind === "answer" ? asked.value : asked.kind;
}

function finish(plan: ProjectPlan, prompts: Prompts, options: InitOptions): number {
  const { folder, files, conflicts } = plan;
  const isNew = !existsSync(folder);
  const complaint = writePlan(plan, options);
  prompts.success(outcome({ folder: shown(folder, options), isNew, files, conflicts }));
  if (complaint !== undefined) prompts.note(complaint, "git init failed");
  prompts.outro(closing(closingOf(plan, options)));
  return 0;
}
