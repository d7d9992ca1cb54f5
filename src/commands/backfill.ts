// `pipeloom backfill <file>[:export]`: runs the slots of a schedule in a time range that have not run, each as a child
// `pipeloom run --scheduled-for`. src/commands/backfill/backfill-text.ts documents the shapes of `--json`.

import { ParamsError, resolveParams } from "../api/params.ts";
import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { ownCommand } from "../base/own-command.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { startFolder } from "../base/path.ts";
import { toIso } from "../base/iso-time.ts";
import { defineCliCommand } from "../cli/command.ts";
import { defineFlags, type Flags } from "../cli/flag-defs.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { Mask } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { triggerVariable } from "../protocol/page-variables.ts";
import { dbFlag, flagWords, pathWord, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { chooseDatabase, type LoadedPipeline } from "../run-pipeline.ts";
import { createUi } from "../terminal/create-ui.ts";
import {
  actionFor,
  type Asked,
  askedOf,
  type PlannedSlot,
  slotWords,
} from "./backfill/backfill-plan.ts";
import { BackfillScreen } from "./backfill/backfill-screen.ts";
import { type Backfill, headLine, planData, planLines } from "./backfill/backfill-text.ts";
import { runBackfill } from "./backfill/run-backfill.ts";
import { startSlotChild } from "./backfill/slot-child.ts";
import { SlotDatabase } from "./backfill/slot-database.ts";
import { rangeOf, slotsIn } from "./backfill/slot-range.ts";
import { outputFlags, outputOptions, verbosities } from "./common-flags.ts";
import { seeParams } from "./explain-error.ts";
import { loadForCommand, nameOf, withPrintsOnStderr } from "./load-for-command.ts";
import { checkLogTarget } from "./log-target.ts";
import { paramFlags, readParams } from "./param-flags.ts";
import { paramsHelp } from "./params-help.ts";
import { positionalsOf } from "../cli/flag-tokens.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";
import { runFlags } from "./run-flags.ts";
import { asUserError } from "./waiting-reader.ts";

const { workers, db, downstream, wait } = runFlags;

const args = defineFlags({
  file: {
    type: "positional",
    required: true,
    valueHint: "file",
    description: "the pipeline file; file.ts:name for a named export",
  },
  from: {
    type: "string",
    required: true,
    valueHint: "time",
    description:
      "the first slot: 2026-11-01 or 2026-11-01T02:30 in the schedule's time zone, or 30d for so long ago",
  },
  to: {
    type: "string",
    valueHint: "time",
    defaultHint: "now",
    description: "the last slot; a day is included",
  },
  concurrency: {
    type: "string",
    valueType: "integer",
    alias: "c",
    min: 1,
    max: 64,
    default: "1",
    description: "slots that run at once; their runs share the database",
  },
  reverse: { type: "boolean", description: "the newest slot first" },
  rerun: {
    type: "string",
    repeat: true,
    valueHint: "task",
    description:
      "failed: also the slots that have failed; a task: run it again in each slot that has run",
  },
  downstream,
  wait: { ...wait, description: "wait for the runs of slots that go on elsewhere" },
  failFast: { type: "boolean", description: "start no further slot after the first failed one" },
  dryRun: { type: "boolean", description: "list the slots and what each has; run nothing" },
  ...paramFlags,
  workers: { ...workers, description: "threads of each run" },
  db,
  ...outputFlags,
  json: {
    type: "boolean",
    description:
      "print one JSON object for each slot that begins or ends; with --dry-run, all in one",
  },
});

type BackfillFlags = Flags<typeof args>;

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
  args,
  async argumentsHelp(given) {
    const [file] = positionalsOf(given, args);
    if (file === undefined) return undefined;
    const entered = enterPipelineFolder(pipelineFile(file));
    return paramsHelp(await withPrintsOnStderr(() => loadForCommand(entered)));
  },
  async run(flags) {
    checkDownstream(flags);
    const module = pipelineFile(flags.file);
    const params = await readParams(flags.param, flags.params);
    // Before the variables of `.env`: each run reads them as they are then.
    const env = { ...process.env };
    const entered = enterPipelineFolder(module);
    const loaded = await withPrintsOnStderr(() => loadForCommand(entered));
    await checkParams(loaded, params);
    const prepared = await prepare(flags, loaded);
    if (flags.dryRun) return showPlan(flags, prepared);
    if (prepared.slots.length === 0) return nothingToRun(prepared.about);
    const stdin = flags.params === "-" ? JSON.stringify(params) : undefined;
    return await execute(flags, prepared, { env, stdin });
  },
});

type Prepared = {
  readonly about: Backfill;
  readonly asked: Asked;
  /** In the order of their runs. */
  readonly slots: readonly PlannedSlot[];
  readonly database: SlotDatabase;
  readonly mask: Mask | undefined;
  readonly module: ModuleRef;
};

/** @throws UsageError, UserError */
async function prepare(flags: BackfillFlags, loaded: LoadedPipeline): Promise<Prepared> {
  const { pipeline, module, from } = loaded;
  const { schedule } = pipeline;
  if (schedule === null) {
    throw new UserError(
      `${nameOf(module)}: pipeline "${pipeline.name}" has no schedule, so it has no slots`,
      'add one, e.g. schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" }; or run it once: pipeloom run',
    );
  }
  const mask = Mask.of(pipeline.secrets, process.env);
  const { path, notice } = await chooseDatabase(loaded, flags.db);
  if (path === ":memory:") {
    throw new UsageError(
      "a backfill needs a database that keeps its runs, and :memory: keeps none",
    );
  }
  checkLogTarget(flags.logFile, module, path, from);
  if (notice !== undefined) sayOnStderr(`warning: ${notice}\n`);
  const tz = schedule.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const range = rangeOf(flags, tz, systemClock.wall());
  if (range.isCut)
    sayOnStderr(`--to ${flags.to} is after now: the slots that come are left to the schedule\n`);
  const name = mask?.text(pipeline.name) ?? pipeline.name;
  const database = new SlotDatabase(path, name);
  const asked = askedOf(flags.rerun, flags);
  const slots = plannedSlots(slotsIn(schedule, range, tz), database, asked);
  const about = { pipeline: name, file: nameOf(module), db: path, tz, ...range };
  return {
    about,
    asked,
    database,
    mask,
    module,
    slots: flags.reverse ? slots.toReversed() : slots,
  };
}

function plannedSlots(
  slots: readonly number[],
  database: SlotDatabase,
  asked: Asked,
): PlannedSlot[] {
  const [first] = slots;
  const last = slots.at(-1);
  if (first === undefined || last === undefined) return [];
  const runs = runsIn(database, first, last);
  return slots.map((slot) => {
    const found = runs.get(toIso(slot)) ?? null;
    return { slot, found, action: actionFor(found, asked) };
  });
}

function runsIn(
  database: SlotDatabase,
  first: number,
  last: number,
): ReturnType<SlotDatabase["runs"]> {
  try {
    return database.runs(first, last);
  } catch (thrown) {
    throw asUserError(thrown);
  }
}

/** @throws UsageError */
function checkDownstream({ downstream: isAsked, rerun }: BackfillFlags): void {
  if (!isAsked || rerun.some((task) => task !== "failed")) return;
  throw new UsageError("--downstream goes with --rerun", "e.g. --rerun load-day --downstream");
}

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

function showPlan({ json }: BackfillFlags, { about, slots }: Prepared): number {
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

function nothingToRun({ pipeline, first, last }: Backfill): number {
  sayOnStderr(
    `the schedule of "${pipeline}" has no slot from ${toIso(first)} to ${toIso(last)}: nothing to run\n`,
  );
  return 0;
}

type ChildInput = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string | undefined;
};

async function execute(
  flags: BackfillFlags,
  prepared: Prepared,
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

function openScreen(
  flags: BackfillFlags,
  { about, slots, mask, database }: Prepared,
  cwd: string,
): BackfillScreen {
  const { verbosity, logFile, json } = outputOptions(flags);
  const { stdout, stderr, env } = process;
  const masked = (text: string): string => mask?.text(text) ?? text;
  const words = runWords(flags);
  const ui = createUi({
    noun: "slot",
    verbosity: verbosities[verbosity],
    json: false,
    logFile,
    cwd,
    stdout,
    stderr,
    env,
    // The objects on stdout and the regions would overwrite each other.
    isTty: stderr.isTTY && !(json && stdout.isTTY),
    mask: masked,
  });
  return new BackfillScreen({
    about,
    slots,
    ui,
    json,
    cwd,
    quiet: verbosity === "quiet",
    whyFailed: (found) => database.whyFailed(found),
    commandOf: (slot) => masked(pipeloomCommand("run", ...words, "--scheduled-for", toIso(slot))),
    again: (hasFailed) => masked(pipeloomCommand(...againWords(flags, hasFailed))),
  });
}

/** Of `pipeloom run`, without the slot. */
const runWords = (flags: BackfillFlags): string[] => [
  pathWord(flags.file),
  ...(flags.params === undefined
    ? []
    : ["--params", flags.params === "-" ? "-" : pathWord(flags.params)]),
  ...flags.param.flatMap((param) => flagWords("--param", param)),
  ...(flags.workers === undefined ? [] : ["--workers", String(flags.workers)]),
  ...(flags.db === undefined ? [] : dbFlag(flags.db)),
];

const againWords = (flags: BackfillFlags, hasFailed: boolean): string[] => {
  const isAsked = flags.rerun.includes("failed");
  return [...process.argv.slice(2), ...(hasFailed && !isAsked ? ["--rerun", "failed"] : [])];
};
