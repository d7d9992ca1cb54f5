// `pipeloom run --dry-run`: prints the plan, and what a run would do about the tasks of the run that it continues. Runs and
// writes nothing.

import type { RunPipelineOptions } from "../api/run-pipeline-options.ts";
import { systemClock } from "../base/clock.ts";
import { runRequest } from "../engine/opening.ts";
import { missingFiles, sessionCode } from "../engine/task-code.ts";
import type { RunOptions } from "../engine/run-options.ts";
import { planOf } from "../plan/dry-plan.ts";
import { Selection } from "../plan/selection.ts";
import { Mask } from "../protocol/mask.ts";
import type { NextRun } from "../protocol/plan.ts";
import { type LoadedPipeline, runOptionsOf } from "../run-pipeline.ts";
import { knownInFile, nextRun } from "../store/read/next-run.ts";
import type { PlanFormat } from "../terminal/plan-formats.ts";
import { renderPlan } from "../terminal/plan-text.ts";
import { print } from "../cli/stdout.ts";
import { visible } from "../base/text.ts";
import { explained } from "./explain-error.ts";
import { busyHandlerFor } from "./waiting-reader.ts";

export async function dryRun(
  loaded: LoadedPipeline,
  options: RunPipelineOptions,
  format: PlanFormat,
): Promise<number> {
  const { pipeline, module } = loaded;
  const mask = Mask.of(pipeline.secrets, process.env);
  try {
    const run = await runOptionsOf(loaded, options);
    const selection = run.only === undefined ? undefined : new Selection(run.only, true);
    const plan = await planOf(pipeline, run.params, selection);
    const text = renderPlan({ ...plan, next: await nextOf(run, mask) }, format, columns());
    print(mask?.text(text) ?? text);
    return 0;
  } catch (thrown) {
    throw explained(mask?.error(thrown) ?? thrown, module);
  }
}

async function nextOf(options: RunOptions, mask: Mask | undefined): Promise<NextRun> {
  const size = { workers: 1, concurrency: 1 };
  const run = runRequest(options, mask, size);
  const request = options.reuse === false ? { ...run, reuses: [] } : run;
  const next = { options: options.writer, request, busyHandler: busyHandlerFor(options.writer.db) };
  const code = await sessionCode(options, mask, knownInFile(next));
  for (const notice of missingFiles(code?.parts ?? []))
    process.stderr.write(`${visible(notice)}\n`);
  return nextRun(next, code, systemClock.wall());
}

const columns = (): number =>
  process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
