// The parameters of a pipeline file, for `run <file> --help`.

import { readFileSync } from "node:fs";

import { type DescribedParam, describeParams } from "../api/describe-params.ts";
import { isStandardSchema } from "../api/params.ts";
import type { HelpTable } from "../cli/command.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import type { LoadedPipeline } from "../run-pipeline.ts";
import { nameOf } from "./load-for-command.ts";

/** The command that shows them: `pipeloom run etl.ts --help`. Undefined for a pipeline that ships inside. */
export function paramsCommand(module: ModuleRef): string | undefined {
  if (module.kind === "builtin") return undefined;
  const name = nameOf(module);
  const file = module.export === "default" ? name : `${name}:${module.export}`;
  return pipeloomCommand("run", file, "--help");
}

/** With the comments of an object of defaults as their descriptions. */
export async function describedParams({
  pipeline: { params: spec },
  module,
}: Pick<LoadedPipeline, "pipeline" | "module">): Promise<DescribedParam[]> {
  const params = await describeParams(spec);
  const comments =
    module.kind === "builtin" || isStandardSchema(spec) ? undefined : commentsIn(module.path);
  return params.map((param) => ({
    ...param,
    description: param.description ?? comments?.(param.name),
  }));
}

export async function paramsHelp(loaded: LoadedPipeline): Promise<HelpTable> {
  const { pipeline, module } = loaded;
  const params = await describedParams(loaded);
  const title = `Parameters of ${nameOf(module)}`;
  if (params.length === 0) {
    const known = isStandardSchema(pipeline.params) ? "its schema does not tell which" : "none";
    return { title: `${title}: ${known}`, rows: [] };
  }
  return {
    title,
    rows: params.map((param) => ({
      label: `--param ${param.name}=<${param.type}>`,
      text: textOf(param),
    })),
  };
}

function textOf({ required, fallback, description }: DescribedParam): string {
  const note = required ? "required" : fallback === undefined ? "optional" : `default: ${fallback}`;
  return description === undefined ? note : `${description} (${note})`;
}

/** Finds the comment of a parameter in an object of defaults: before it, or behind it in its line. */
function commentsIn(path: string): ((name: string) => string | undefined) | undefined {
  try {
    const text = readFileSync(path, "utf8");
    const start = /\bparams\s*:\s*\{/.exec(text)?.index;
    return start === undefined ? undefined : (name) => commentOf(text.slice(start), name);
  } catch {
    // The file was there a moment ago; help without comments will do.
    return undefined;
  }
}

function commentOf(text: string, name: string): string | undefined {
  const key = `["']?${RegExp.escape(name)}["']?\\s*:`;
  const before = new RegExp(
    `(/\\*(?:[^*]|\\*(?!/))*\\*/|(?:^[ \\t]*//[^\\n]*\\n)+)\\s*${key}`,
    "m",
  ).exec(text)?.[1];
  const behind = new RegExp(`^[ \\t]*${key}[^\\n]*,[ \\t]*//([^\\n]*)$`, "m").exec(text)?.[1];
  const words = (before ?? behind)?.replaceAll(/^\s*(?:\/\*+|\*+\/?|\/\/)|\*+\/\s*$/gm, " ");
  const comment = words?.replaceAll(/\s+/g, " ").trim();
  return comment === "" ? undefined : comment;
}
