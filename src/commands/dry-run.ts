// `pipeloom run --dry-run`: prints the plan to stdout. Runs and writes nothing.

import { ParamsError, resolveParams } from "../api/params.ts";
import { PlanError } from "../plan/plan-error.ts";
import type { LoadedPipeline } from "../run-pipeline.ts";
import { planOf } from "../plan/dry-plan.ts";
import { Mask } from "../protocol/mask.ts";
import type { PlanFormat } from "../terminal/plan-text.ts";
import { renderPlan } from "../terminal/plan-text.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { authorError } from "./load-for-command.ts";

export async function dryRun(
  { pipeline, module }: LoadedPipeline,
  given: Readonly<Record<string, unknown>>,
  format: PlanFormat,
): Promise<number> {
  const mask = Mask.of(pipeline.secrets, process.env);
  try {
    const params = await resolveParams(pipeline.params, given);
    const plan = renderPlan(await planOf(pipeline, params), format);
    print(mask?.text(plan) ?? plan);
    return 0;
  } catch (thrown) {
    const error = mask?.error(thrown) ?? thrown;
    if (error instanceof ParamsError) throw new UsageError(error.message);
    if (error instanceof PlanError) throw authorError(error, module);
    throw error;
  }
}
