// `pipeloom run <file>[:export]`: runs a pipeline file.

import { resolve } from "node:path";

import type { ModuleRef } from "../protocol/messages.ts";
import { engineWords } from "../protocol/engine-url.ts";
import { flagWords, pathWord } from "../protocol/pipeloom-command.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";
import { fileArgument } from "../run-pipeline.ts";
import { type CliCommand, defineCliCommand } from "../cli/command.ts";
import { positionalsOf, withoutFlag } from "../cli/flag-tokens.ts";
import { commonFlags, commonOptions } from "./common-flags.ts";
import { executeRun } from "./execute-run.ts";
import { loadForCommand, withPrintsOnStderr } from "./load-for-command.ts";
import { fetchLimit, keepsUsedPages, setAtStart } from "./start-variables.ts";
import { slotForm, slotTime } from "../api/slot-time.ts";
import { paramFlags, readParams } from "./param-flags.ts";
import { paramsHelp } from "./params-help.ts";
import { runFlags, runOptions } from "./run-flags.ts";
import { formVariable } from "../protocol/page-variables.ts";
import { takeVariable } from "./take-variable.ts";
import { planFormats } from "../terminal/plan-formats.ts";
import { UsageError } from "../cli/usage-error.ts";

export const command: CliCommand = defineCliCommand({
  meta: {
    name: "run",
    details:
      "Runs the default export of the file, or the named one. A dead run continues where it stopped.",
    examples: [
      { line: "pipeloom run etl.ts", what: "run the file's pipeline" },
      {
        line: "pipeloom run etl.ts --param limit=5 -w 4",
        what: "with a parameter, on four threads",
      },
      { line: "pipeloom run etl.ts --watch", what: "while you write it: again after each save" },
    ],
  },
  args: {
    file: {
      type: "positional",
      required: true,
      valueHint: "file",
      description: "the pipeline file; file.ts:name for a named export",
    },
    ...paramFlags,
    dryRun: { type: "boolean", description: "show the plan; run nothing, write nothing" },
    format: {
      type: "enum",
      alias: "f",
      options: [...planFormats],
      defaultHint: "tree",
      description: "the format of the plan that --dry-run shows",
    },
    watch: {
      type: "boolean",
      description: "run again after each save of the file, or of a file that it imports",
    },
    ui: { type: "boolean", description: "open the page that shows the run in the browser" },
    scheduledFor: {
      type: "string",
      valueHint: "time",
      description:
        "the time of the schedule that the run is for (ctx.run.scheduledFor); a time runs once: if its run is done nothing runs, else it is continued",
      check: checkSlot,
    },
    ...runFlags,
    ...commonFlags,
  },
  async argumentsHelp(args) {
    const [file] = positionalsOf(args, command.args);
    if (file === undefined) return undefined;
    const entered = enterPipelineFolder(pipelineFile(file));
    return paramsHelp(await withPrintsOnStderr(() => loadForCommand(entered)));
  },
  async run(flags) {
    setAtStart({
      ...fetchLimit(flags.concurrency),
      ...(flags.engine === undefined ? {} : keepsUsedPages),
    });
    const module = pipelineFile(flags.file);
    assertPlanFlags(flags);
    if (flags.ui) assertPageFlags(flags);
    const formOf = takeVariable(formVariable);
    if (formOf !== undefined) {
      const { printForm } = await import("./run-form.ts");
      return printForm(module, formOf, await readParams([], flags.params));
    }
    if (flags.watch) return await watch(flags, module.path);
    const params = await readParams(flags.param, flags.params);
    const options = { ...runOptions(flags), ...slotOption(flags), params };
    const output = {
      ...commonOptions(flags),
      again: again(flags),
      againAnywhere: againAnywhere(flags, module),
    };
    const entered = enterPipelineFolder(module);
    if (flags.ui) return runWithPage(entered, options, output);
    if (!flags.dryRun) return executeRun(entered, options, output);
    // Loaded when asked for: it reads the file, and SQLite is half of what the main thread of a run would load.
    const { dryRun } = await import("./dry-run.ts");
    return withPrintsOnStderr(async () =>
      dryRun(await loadForCommand(entered), options, flags.format ?? "tree"),
    );
  },
});

async function runWithPage(...[module, options, output]: RunArguments): Promise<number> {
  const { RunPage } = await import("./run-page.ts");
  using page = new RunPage();
  const { onEvents } = page;
  const code = await executeRun(module, options, { ...output, onEvents, pagePid: () => page.pid });
  // A signal that has ended the run ends the page too.
  return code > 128 ? code : await page.untilLeft(code);
}

/** @throws Error for what is no time */
function checkSlot(text: string): void {
  if (slotTime(text) === undefined) throw new Error(`it must be ${slotForm}`);
}

const slotOption = ({ scheduledFor }: RunFlags): { readonly scheduledFor?: string } =>
  scheduledFor === undefined ? {} : { scheduledFor };

type WatchFlags = Pick<RunFlags, "params" | "scheduledFor">;

/** @throws UsageError where a second run would lack its params, or have nothing to do */
async function watch({ params, scheduledFor }: WatchFlags, path: string): Promise<number> {
  if (scheduledFor !== undefined) {
    throw new UsageError("--watch runs several times, and --scheduled-for is for one run");
  }
  if (params === "-") {
    throw new UsageError(
      "--watch runs several times, and --params - can be read once",
      "give the params in a file",
    );
  }
  const { watchRun } = await import("./watch-run.ts");
  return watchRun(path, withoutFlag(process.argv.slice(2), command.args, "watch"));
}

type RunArguments = Parameters<typeof executeRun>;

type RunFlags = {
  readonly file: string;
  readonly param: readonly string[];
  readonly params: string | undefined;
  readonly only: readonly string[];
  readonly scheduledFor: string | undefined;
  readonly engine: string | undefined;
};

/** Undefined for params from standard input: nobody can read them a second time. */
const againAnywhere = (
  flags: RunFlags,
  module: Extract<ModuleRef, { kind: "file" }>,
): string[] | undefined =>
  flags.params === "-"
    ? undefined
    : again({
        ...flags,
        file: fileArgument(module),
        params: flags.params === undefined ? undefined : resolve(flags.params),
      });

/** The arguments that identify this run (with others, the same command would start another run), and where its tasks run. */
const again = (flags: RunFlags): string[] => [
  pathWord(flags.file),
  // `-` is standard input, and no path.
  ...(flags.params === undefined
    ? []
    : ["--params", flags.params === "-" ? "-" : pathWord(flags.params)]),
  ...flags.param.flatMap((param) => flagWords("--param", param)),
  ...(flags.scheduledFor === undefined ? [] : ["--scheduled-for", flags.scheduledFor]),
  ...flags.only.flatMap((only) => flagWords("--only", only)),
  ...engineWords(flags.engine),
];

/** @throws UsageError for a flag that would have no effect */
function assertPageFlags(flags: {
  readonly dryRun: boolean;
  readonly watch: boolean;
  readonly db: string | undefined;
  readonly storeTaskStatus: boolean;
}): void {
  if (flags.dryRun) throw new UsageError("--ui shows a run, and --dry-run runs nothing");
  if (flags.watch) {
    throw new UsageError(
      "--ui is for one run, and --watch runs several times",
      "the page of all runs: pipeloom ui",
    );
  }
  if (flags.db === ":memory:" || !flags.storeTaskStatus) {
    throw new UsageError("--ui shows what is in the database, and this run keeps nothing in one");
  }
}

/** @throws UsageError for a flag that would have no effect */
function assertPlanFlags(flags: {
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly format: string | undefined;
}): void {
  if (!flags.dryRun && flags.format !== undefined) {
    throw new UsageError(
      "--format is of the plan, which only --dry-run shows",
      "for the events of a run as JSON: --json",
    );
  }
  if (flags.dryRun && flags.json) {
    throw new UsageError(
      "--json prints the events of a run, and --dry-run runs nothing",
      "for the plan as JSON: --dry-run --format json",
    );
  }
}
