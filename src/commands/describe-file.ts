// Prints what serve has to know of a pipeline file (src/serve/described.ts), as one line of JSON: the user's code runs in this process,
// and not in that of serve.

import { dirname, join } from "node:path";

import { isStandardSchema, ParamsError, resolveParams } from "../api/params.ts";
import { Pipeline } from "../api/pipeline.ts";
import { registry } from "../api/registry.ts";
import { envFilePaths } from "../base/env-file.ts";
import { fileStamp } from "../base/file-stamp.ts";
import { JSON } from "../base/globals.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import { importsOf, loadedPath, sourcesOf } from "../module/sources.ts";
import { Mask } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { chooseDatabase } from "../run-pipeline.ts";
import type { DescribedFile, DescribedPipeline, FileResult, Stamp } from "../serve/described.ts";
import { exportsForCommand, withPrintsOnStderr } from "./load-for-command.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";

type FileRef = Extract<ModuleRef, { kind: "file" }>;

/**
 * @param isNamed a person has named the file: a pipeline without a schedule is a mistake. In a folder it is none
 * @param only the export that was named; undefined: all
 */
export async function describeFile(
  module: FileRef,
  isNamed: boolean,
  only: string | undefined,
): Promise<number> {
  // Before the file is loaded: what changes from here on is looked at again.
  const stamps = stampsOf(module.path);
  const result = await withPrintsOnStderr(() => resultOf(module, isNamed, only));
  print(`\n${JSON.stringify({ stamps, result } satisfies DescribedFile)}\n`);
  return 0;
}

async function resultOf(
  module: FileRef,
  isNamed: boolean,
  only: string | undefined,
): Promise<FileResult> {
  registry.isLookedAt = true;
  try {
    const entered = enterPipelineFolder(module);
    const exports = await exportsForCommand(entered);
    const pipelines = pipelinesIn(exports, only);
    const described = await Array.fromAsync(pipelines, ([name, pipeline]) =>
      describe(entered, name, pipeline),
    );
    const scheduled = described.filter((each) => each !== undefined);
    if (scheduled.length > 0 || !isNamed) return { kind: "loaded", pipelines: scheduled };
    return { kind: "loaded", pipelines: [withoutSchedule(pipelines, only)] };
  } catch (thrown) {
    if (thrown instanceof UserError) return { kind: "broken", message: thrown.message };
    throw thrown;
  }
}

/** Each once, by the name of its export; the default export first. Or the one that was named, by that name. */
function pipelinesIn(
  exports: Readonly<Record<string, unknown>>,
  only: string | undefined,
): [string, Pipeline][] {
  const others = Object.keys(exports).filter((name) => name !== "default");
  const names = only === undefined ? ["default", ...others] : [only];
  const seen = new Set<unknown>();
  return names.flatMap((name) => {
    const value = exports[name];
    if (!(value instanceof Pipeline) || seen.has(value)) return [];
    seen.add(value);
    return [[name, value] as [string, Pipeline]];
  });
}

const exportNameOf = (name: string): string | null => (name === "default" ? null : name);

async function describe(
  module: ModuleRef,
  exported: string,
  pipeline: Pipeline,
): Promise<DescribedPipeline | undefined> {
  if (pipeline.schedule === null) return undefined;
  const mask = Mask.of(pipeline.secrets, process.env);
  const name = mask?.text(pipeline.name) ?? pipeline.name;
  const served = await servedAs(module, pipeline, pipeline.schedule);
  return { exportName: exportNameOf(exported), name, served };
}

async function servedAs(
  module: ModuleRef,
  pipeline: Pipeline,
  rule: NonNullable<Pipeline["schedule"]>,
): Promise<DescribedPipeline["served"]> {
  const folder = module.kind === "file" ? dirname(module.path) : process.cwd();
  const { path } = await chooseDatabase({ pipeline, module, folder, from: folder }, undefined);
  if (path === ":memory:") {
    const reason = "its database is :memory:, and what has run must be kept; give it a file: db";
    return { kind: "refused", reason };
  }
  const problem = await paramsProblem(pipeline);
  if (problem === undefined) return { kind: "scheduled", rule, db: path };
  const reason = `a schedule gives no params, and ${problem}; give them defaults`;
  return { kind: "refused", reason };
}

/** Undefined: it runs without params. */
async function paramsProblem({ params }: Pipeline): Promise<string | undefined> {
  if (!isStandardSchema(params)) return undefined;
  try {
    await resolveParams(params, {});
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ParamsError) return thrown.message.replaceAll("\n", "; ");
    throw thrown;
  }
}

const noneExported = (only: string | undefined): string =>
  only === undefined
    ? "it exports no pipeline; end the file with export default pipeline({ … })"
    : `it exports no pipeline called ${only}`;

function withoutSchedule(
  pipelines: readonly (readonly [string, Pipeline])[],
  only: string | undefined,
): DescribedPipeline {
  const [first] = pipelines;
  const reason =
    first === undefined
      ? noneExported(only)
      : 'it has no schedule; add one, e.g. schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" }';
  return {
    exportName: exportNameOf(only ?? first?.[0] ?? "default"),
    name: first?.[1].name ?? "",
    served: { kind: "refused", reason },
  };
}

// ── stamps ─────────────────────────────────────────────────────────────────────────────────────────────

/** As an import without extension finds a file. */
const extensions = ["", ".ts", ".tsx", ".js", ".mjs", ".json", "/index.ts", "/index.js"];

/** Of the file, what it imports, imports that are missing, and the variables of `.env`. */
function stampsOf(path: string): Stamp[] {
  const sources = sourcesOf(loadedPath(path));
  const missing = sources.flatMap((source) =>
    source.isDigest === true ? [] : missingImports(source.path, source.text),
  );
  const paths = new Set([
    path,
    ...sources.map((source) => source.path),
    ...missing,
    ...envFilePaths(dirname(path), process.env),
  ]);
  return Array.from(paths, (each) => ({ path: each, stamp: fileStamp(each) }));
}

const missingImports = (path: string, text: string): string[] =>
  importsOf(path, text)
    .filter(({ name, file }) => file === undefined && /^\.{1,2}\//.test(name))
    .flatMap(({ name }) => extensions.map((extension) => join(dirname(path), name) + extension));
