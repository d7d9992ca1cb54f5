// `pipeloom run --dry-run`: the plan, on stdout, without running or writing anything.

import { ParamsError, resolveParams } from "../api/params.ts";
import { PlanError } from "../engine/graph.ts";
import type { LoadedPipeline } from "../engine/library.ts";
import { planOf } from "../engine/plan.ts";
import { Mask } from "../protocol/mask.ts";
import type { PlanFormat } from "../ui/plan.ts";
import { renderPlan } from "../ui/plan.ts";
import { print } from "./stdout.ts";
import { UsageError } from "./usage-error.ts";
import { UserError } from "./user-error.ts";

export async function dryRun(
  { pipeline }: LoadedPipeline,
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
    if (error instanceof PlanError) throw new UserError(error.message);
    throw error;
  }
}
