// `pipeloom prove [file]`: kills a pipeline at random until it is done, and compares with an undisturbed run.

import type { RunPipelineOptions } from "../api/run-pipeline-options.ts";
import { existsSync } from "node:fs";
import { dirname } from "node:path";

import { ParamsError, resolveParams } from "../api/params.ts";
import { AbortController, crypto } from "../base/globals.ts";
import { builtins } from "../examples/builtins.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { codeOf, reasonOf } from "../base/system-error.ts";
import { positionalsOf } from "../cli/flag-tokens.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { Durability } from "../protocol/run-request.ts";
import { chooseDatabase, fileRef, type LoadedPipeline } from "../run-pipeline.ts";
import { demoDb } from "../store/choose-database.ts";
import type { StopSignal } from "../terminal/ui.ts";
import { loadForCommand, withPrintsOnStderr } from "./load-for-command.ts";
import { seeParams } from "./explain-error.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";
import { paramFlags, readParams } from "./param-flags.ts";
import { paramsHelp } from "./params-help.ts";
import { followOrders, ordersVariable } from "../prove/killed-session.ts";
import { Prover } from "../prove/prover.ts";
import { ProofScreen } from "../prove/proof-screen.ts";
import { effectsOf, proofJson, proofLines } from "../prove/proof-text.ts";
import { ProofDatabase } from "../prove/proof-database.ts";
import { exitCodeOf } from "./run-signals.ts";
import { runFlags } from "./run-flags.ts";
import { storeFlags } from "./common-flags.ts";
import { print } from "../cli/stdout.ts";

const { workers, concurrency, db, wal, failFast } = runFlags;

export const command = defineCliCommand({
  meta: {
    name: "prove",
    details:
      "Runs the pipeline on a copy of its database, again and again: killed (SIGKILL) at random moments, and on Linux with power cuts replayed from what SQLite wrote, until it is done. Then it compares user tables, results and states with those of an undisturbed run. What tasks do outside the database really happens, many times: use test input. Exits with 1 if anything differs. Without a file: the built-in demonstration.",
    examples: [
      { line: "pipeloom prove etl.ts --param days=3", what: "10 cycles with a small input" },
      {
        line: "pipeloom prove etl.ts --cycles 100 --seed 7",
        what: "more, at the moments of seed 7",
      },
    ],
  },
  args: {
    file: {
      type: "positional",
      required: false,
      valueHint: "file",
      description:
        "the pipeline file; file.ts:name for a named export; or a built-in one: csv, etl, download, file-writer",
    },
    cycles: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 1,
      max: 1_000_000,
      default: "10",
      description: "how often the run is brought to its end",
    },
    seed: {
      type: "string",
      valueType: "integer",
      min: 0,
      max: 2 ** 32 - 1,
      defaultHint: "a new one",
      description: "draws the moments; it is printed",
    },
    inPlace: {
      type: "boolean",
      description: "use the database itself, for tasks that open it by its name; it is put back",
    },
    ...paramFlags,
    workers,
    concurrency,
    db: { ...db, description: "the database to begin with; it need not exist" },
    wal,
    failFast,
    durability: storeFlags.durability,
    json: { type: "boolean", description: "print the result as JSON" },
    quiet: { type: "boolean", alias: "q", description: "print the result only, no progress" },
  },
  async argumentsHelp(args) {
    const [file] = positionalsOf(args, command.args);
    if (file === undefined) return undefined;
    const module = enterPipelineFolder(moduleOf(file));
    return paramsHelp(await withPrintsOnStderr(() => loadForCommand(module)));
  },
  async run(flags) {
    const orders = process.env[ordersVariable];
    if (orders !== undefined) return followOrders(orders);
    const own = await readParams(flags.param, flags.params);
    const module = enterPipelineFolder(moduleOf(flags.file));
    const loaded = await withPrintsOnStderr(() => loadForCommand(module));
    const options = await optionsOf(flags, own, loaded);
    using database = new ProofDatabase(await databaseOf(flags.db, loaded), flags.inPlace);
    using stop = new StopSignals();
    const seed = flags.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    using screen = new ProofScreen(process.stderr, flags.quiet, flags.cycles, seed);
    const prover = new Prover(database, {
      orders: { module: loaded.module, options: { ...options, db: database.db } },
      cycles: flags.cycles,
      seed,
      stopped: stop.signal,
      onProgress: (progress) => screen.show(progress),
    });
    const proof = await prover.prove().catch((error: unknown) => {
      throw explained(error, database.scratch);
    });
    screen.end();
    if (proof === undefined) {
      screen.stopped();
      return stop.exitCode;
    }
    const about = { pipeline: loaded.pipeline.name, seed, effects: effectsOf(proof) };
    print(`${flags.json ? proofJson(proof, about) : proofLines(proof, about).join("\n")}\n`);
    return proof.findings.total === 0 ? 0 : 1;
  },
});

type Given = {
  readonly workers: number | undefined;
  readonly concurrency: number | undefined;
  readonly wal: boolean;
  readonly failFast: boolean;
  readonly durability: Durability;
};

/** @throws UsageError for wrong parameters: each run would say so */
async function optionsOf(
  { workers: threads, concurrency: inFlight, ...given }: Given,
  own: Readonly<Record<string, unknown>>,
  { pipeline, module }: LoadedPipeline,
): Promise<RunPipelineOptions> {
  const params = isDemo(module) ? { ...shortDemo, ...own } : own;
  try {
    await resolveParams(pipeline.params, params);
  } catch (error) {
    if (error instanceof ParamsError) {
      throw new UsageError(error.message, seeParams(module));
    }
    throw error;
  }
  return {
    params,
    wal: given.wal,
    failFast: given.failFast,
    durability: given.durability,
    ...(threads === undefined ? undefined : { workers: threads }),
    ...(inFlight === undefined ? undefined : { concurrency: inFlight }),
  };
}

/** A full disk, a folder that has vanished. */
const explained = (error: unknown, scratch: string): unknown =>
  codeOf(error)?.startsWith("E") === true
    ? new UserError(
        `the proof cannot go on: ${reasonOf(error)}`,
        `its files are in ${dirname(scratch)}; TMPDIR names another folder`,
      )
    : error;

const demo = { kind: "builtin", name: "demo" } as const;

const isDemo = (module: ModuleRef): boolean =>
  module.kind === "builtin" && module.name === demo.name;

/** The demonstration takes 15 s with its own defaults. */
const shortDemo = { tasks: 20, steps: 5, minStepMs: 5, maxStepMs: 10 };

function moduleOf(file: string | undefined): ModuleRef {
  if (file === undefined) return demo;
  if (Object.hasOwn(builtins, file) && !existsSync(fileRef(file).path)) {
    return { kind: "builtin", name: file };
  }
  return pipelineFile(
    file,
    "to make a pipeline file: pipeloom init; to see a proof of the demonstration: pipeloom prove",
  );
}

/** @throws UsageError for `:memory:` */
async function databaseOf(given: string | undefined, loaded: LoadedPipeline): Promise<string> {
  const own = isDemo(loaded.module) ? demoDb : undefined;
  const { path, notice } = await chooseDatabase(loaded, given ?? own);
  if (notice !== undefined) process.stderr.write(`warning: ${notice}\n`);
  if (path !== ":memory:") return path;
  throw new UsageError(
    "a run in :memory: keeps nothing, so that it cannot continue after a kill",
    "give it a file: --db proof.db",
  );
}

class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #undo: (() => void)[] = [];
  #first: StopSignal | undefined;

  constructor() {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const stop = (): void => {
        this.#first ??= name;
        this.#controller.abort();
      };
      process.on(name, stop);
      this.#undo.push(() => process.off(name, stop));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number {
    if (this.#first === undefined) throw new Error("Internal error: stopped without a signal");
    return exitCodeOf(this.#first);
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }
}
