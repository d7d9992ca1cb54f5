// `pipeloom backfill <file>[:export]`: runs the slots of a schedule in a time range that have not run, each as a child
// `pipeloom run --scheduled-for`. src/commands/backfill/backfill-text.ts documents the shapes of `--json`.

import { ParamsError, resolveParams } from "../api/params.ts";
import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { ownCommand } from "../base/own-command.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { startFolder } from "../base/path.ts";
import { defineCliCommand } from "../cli/command.ts";
import { positionalsOf } from "../cli/flag-tokens.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { takeEngineSecrets } from "../protocol/engine-secrets.ts";
import { triggerVariable } from "../protocol/page-variables.ts";
import type { LoadedPipeline } from "../run-pipeline.ts";
import { type BackfillFlags, backfillFlags, checkDownstream } from "./backfill/backfill-flags.ts";
import { slotWords } from "./backfill/backfill-plan.ts";
import {
  type Backfill,
  headLine,
  noSlotLine,
  planData,
  planLines,
} from "./backfill/backfill-text.ts";
import { runWords } from "./backfill/backfill-words.ts";
import { openScreen } from "./backfill/open-screen.ts";
import { prepareBackfill, type PreparedBackfill } from "./backfill/prepared-backfill.ts";
import { runBackfill } from "./backfill/run-backfill.ts";
import { startSlotChild } from "./backfill/slot-child.ts";
import { seeParams } from "./explain-error.ts";
import { loadForCommand, withPrintsOnStderr } from "./load-for-command.ts";
import { readParams } from "./param-flags.ts";
import { paramsHelp } from "./params-help.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";
import { assertThreads } from "./run-flags.ts";

export const command = defineCliCommand({
  meta: {
    name: "backfill",
    details:
      "Runs the past times of the pipeline's `schedule`, or slots, that have no run, the oldest first, each as a pipeloom run of its own with --scheduled-for. A slot that is done is left, one that was stopped goes on, one that has failed is left without --rerun failed. Exits with 1 if a slot of the range is not done at the end.",
    examples: [
      {
        line: "pipeloom backfill etl.ts --from 2026-11-01 --to 2026-11-30 --dry-run",
        what: "what each slot of November has",
      },
      {
        line: "pipeloom backfill etl.ts --from 30d -c 2",
        what: "run those of the last 30 days that have not run, two at once",
      },
      {
        line: "pipeloom backfill etl.ts --from 2026-11-01 --rerun load-day --downstream",
        what: "run a task that was mended again in each of them",
      },
    ],
  },
  args: backfillFlags,
  async argumentsHelp(given) {
    const [file] = positionalsOf(given, backfillFlags);
    if (file === undefined) return undefined;
    const entered = enterPipelineFolder(pipelineFile(file));
    return paramsHelp(await withPrintsOnStderr(() => loadForCommand(entered)));
  },
  async run(flags) {
    checkDownstream(flags);
    assertThreads(flags);
    const module = pipelineFile(flags.file);
    const params = await readParams(flags.param, flags.params);
    // Before the variables of `.env`: each run reads them as they are then.
    const env = { ...process.env };
    if (flags.engine !== undefined) takeEngineSecrets();
    const entered = enterPipelineFolder(module);
    const loaded = await withPrintsOnStderr(() => loadForCommand(entered));
    await checkParams(loaded, params);
    const prepared = await prepareBackfill(flags, loaded);
    if (flags.dryRun) return showPlan(flags, prepared);
    // A program that reads the objects is told so by them.
    if (prepared.slots.length === 0 && !flags.json) return nothingToRun(prepared.about);
    const stdin = flags.params === "-" ? JSON.stringify(params) : undefined;
    return await execute(flags, prepared, { env, stdin });
  },
});

/** @throws UsageError: each run would say so */
async function checkParams(
  { pipeline, module }: LoadedPipeline,
  params: Readonly<Record<string, unknown>>,
): Promise<void> {
  try {
    await resolveParams(pipeline.params, params);
  } catch (error) {
    if (error instanceof ParamsError) throw new UsageError(error.message, seeParams(module));
    throw error;
  }
}

function showPlan({ json }: BackfillFlags, { about, slots }: PreparedBackfill): number {
  if (json) {
    print(`${JSON.stringify(planData(about, systemClock.wall(), slots), null, 2)}\n`);
    return 0;
  }
  if (slots.length === 0) return nothingToRun(about);
  const { isTTY, columns } = process.stdout;
  const lines = planLines(about, slots, {
    width: isTTY ? columns : Number.POSITIVE_INFINITY,
    colors: paletteOf(colorLevel(process.env, isTTY)),
  });
  const head = headLine(about, slots, startFolder() ?? "");
  print(`${[head, "", ...lines].join("\n")}\n`);
  return 0;
}

function nothingToRun(about: Backfill): number {
  sayOnStderr(`${noSlotLine(about)}\n`);
  return 0;
}

type ChildInput = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string | undefined;
};

async function execute(
  flags: BackfillFlags,
  prepared: PreparedBackfill,
  input: ChildInput,
): Promise<number> {
  const { asked, slots, database } = prepared;
  const cwd = startFolder() ?? process.cwd();
  const screen = openScreen(flags, prepared, cwd);
  const isVerbose = flags.verbose > 0;
  const words = [...ownCommand(), "run", ...runWords(flags), ...(isVerbose ? [] : ["-q"])];
  return await runBackfill({
    slots,
    asked,
    concurrency: flags.concurrency,
    failFast: flags.failFast,
    database,
    screen,
    start: (slot, action) =>
      startSlotChild({
        command: [...words, ...slotWords(slot, action, asked)],
        cwd,
        env: { ...input.env, [triggerVariable]: "backfill" },
        stdin: input.stdin,
        onLine: (line) => {
          if (isVerbose) screen.printed(slot, line);
        },
      }),
  });
}
