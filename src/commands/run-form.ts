// Prints the form of a pipeline for the page (src/page/actions/forms.ts), as one line of JSON.

import type { DescribedParam } from "../api/describe-params.ts";
import { isStandardSchema, ParamsError, resolveParams } from "../api/params.ts";
import type { Pipeline } from "../api/pipeline.ts";
import { registry } from "../api/registry.ts";
import { JSON } from "../base/globals.ts";
import { canonicalJson } from "../base/json.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import { loadModule } from "../module/load-module.ts";
import type { DescribedForm } from "../page/actions/forms.ts";
import type { FormField, ParamProblem } from "../page/contract-actions.ts";
import { Mask } from "../protocol/mask.ts";
import { isSecretName } from "../base/secret-name.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { LoadedPipeline } from "../run-pipeline.ts";
import { loadForCommand, nameOf, withPrintsOnStderr } from "./load-for-command.ts";
import { describedParams } from "./params-help.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";

type Params = Readonly<Record<string, unknown>>;
type FileRef = Extract<ModuleRef, { kind: "file" }>;

/**
 * @param wanted the pipeline's name, as the database has it: masked
 * @param params are checked
 */
export async function printForm(module: FileRef, wanted: string, params: Params): Promise<number> {
  enterPipelineFolder(module);
  const form = await withPrintsOnStderr(() =>
    formOf({ ...module, pipeline: wanted }, wanted, params),
  );
  print(`\n${JSON.stringify(form)}\n`);
  return 0;
}

async function formOf(module: FileRef, wanted: string, given: Params): Promise<DescribedForm> {
  const loaded = await loadForCommand(module).catch((thrown: unknown) => {
    throw registry.pipelines.size > 0 ? renamed(module, wanted) : thrown;
  });
  const { pipeline } = loaded;
  const mask = Mask.of(pipeline.secrets, process.env);
  const exportedAs = await exportOf(module, pipeline);
  const name = mask?.text(pipeline.name) ?? pipeline.name;
  if (exportedAs === undefined || name !== wanted) throw renamed(module, wanted);
  const params = await describedParams(loaded);
  return {
    exportedAs,
    fields: params.map((param) => fieldOf(param, mask)),
    isOpen: params.length === 0 && isStandardSchema(pipeline.params),
    problems: Object.keys(given).length === 0 ? [] : await problemsOf(pipeline.params, given),
    repeated: await repeatedOf(pipeline.params, given),
  };
}

/**
 * What gives params that a run has used: they themselves, or as texts, where a schema makes numbers of texts. Those that are left out
 * have their defaults.
 */
async function repeatedOf(spec: Pipeline["params"], used: Params): Promise<Params | null> {
  const texts = Object.entries(used).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  for (const given of [used, Object.fromEntries(texts) as Params]) {
    try {
      const all = await resolveParams(spec, given);
      const own = Object.fromEntries(Object.keys(used).map((name) => [name, all[name] ?? null]));
      if (canonicalJson(own) === canonicalJson(used)) return given;
    } catch (thrown) {
      if (!(thrown instanceof ParamsError)) throw thrown;
    }
  }
  return null;
}

async function problemsOf(spec: Pipeline["params"], given: Params): Promise<ParamProblem[]> {
  try {
    await resolveParams(spec, given);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ParamsError)) throw thrown;
    return thrown.message.split("\n").map(problemIn);
  }
}

/** `parameter "limit": must be …`, `parameter "limit" must be …`; a path inside of a value begins with the parameter's name. */
function problemIn(line: string): ParamProblem {
  const [, name, message] = /^parameter "([^".]+)[^"]*":? ([^]+)$/.exec(line) ?? [];
  return name === undefined || message === undefined
    ? { name: null, message: line }
    : { name, message };
}

const renamed = (module: FileRef, wanted: string): UserError =>
  new UserError(
    `${nameOf(module)} does not export the pipeline "${wanted}" any more`,
    `it defines ${[...registry.pipelines.keys()].map((name) => `"${name}"`).join(", ")}: run that once in a terminal`,
  );

/** The module is loaded: this only looks at its exports. */
async function exportOf(
  module: LoadedPipeline["module"],
  pipeline: Pipeline,
): Promise<string | undefined> {
  const exports = await loadModule(module, {});
  if (exports["default"] === pipeline) return "default";
  return Object.keys(exports).find((name) => exports[name] === pipeline);
}

function fieldOf(param: DescribedParam, mask: Mask | undefined): FormField {
  const { name, type, fallback, required, description } = param;
  const choices = (param.choices ?? []).filter(isScalar);
  const hasSecret =
    fallback !== undefined && mask !== undefined && mask.text(fallback) !== fallback;
  const kind = choices.length > 0 ? "choice" : kindOf(type);
  const isText = kind === "text" || kind === "any";
  const isSecret = hasSecret || (isText && isSecretName(name));
  return {
    name,
    kind,
    choices,
    fallback: isSecret ? null : (fallback ?? null),
    isRequired: required,
    isSecret,
    description: description ?? null,
  };
}

const isScalar = (value: unknown): value is FormField["choices"][number] =>
  value === null || ["string", "number", "boolean"].includes(typeof value);

function kindOf(type: string): FormField["kind"] {
  if (type === "text" || type === "number" || type === "boolean" || type === "json") return type;
  return "any";
}
