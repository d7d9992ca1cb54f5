// The schedule of a pipeline file, for commands that are about one.

import { UserError } from "../cli/user-error.ts";
import { Mask } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { LoadedPipeline } from "../run-pipeline.ts";
import { loadForCommand, nameOf, withPrintsOnStderr } from "./load-for-command.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";

type LoadedSchedule = {
  readonly loaded: LoadedPipeline;
  /** As the database has it: secrets are masked. */
  readonly name: string;
  readonly rule: ScheduleRule;
};

/** @throws UserError for a file that cannot be loaded, and for a pipeline without a schedule */
export async function loadSchedule(file: ModuleRef): Promise<LoadedSchedule> {
  const module = enterPipelineFolder(file);
  const loaded = await withPrintsOnStderr(() => loadForCommand(module));
  const { schedule: rule, name, secrets } = loaded.pipeline;
  if (rule === null) {
    throw new UserError(
      `${nameOf(module)}: pipeline "${name}" has no schedule; add one, e.g. schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" }`,
    );
  }
  return { loaded, name: Mask.of(secrets, process.env)?.text(name) ?? name, rule };
}
