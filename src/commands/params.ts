// `--param name=value` and `--params file.json`, put together. A later one wins; a flag wins over the file.

import { isStandardSchema, resolveParams } from "../api/params.ts";
import type { Pipeline } from "../api/pipeline.ts";
import { isPlainObject } from "../protocol/json.ts";
import { UsageError } from "./usage-error.ts";

export async function readParams(
  pairs: readonly string[],
  file: string | undefined,
): Promise<Record<string, unknown>> {
  const params = file === undefined ? {} : await readFile(file);
  for (const pair of pairs) {
    const split = pair.indexOf("=");
    if (split <= 0) {
      throw new UsageError(`--param must be name=value, not "${pair}"`, "e.g. --param limit=5");
    }
    params[pair.slice(0, split)] = pair.slice(split + 1);
  }
  return params;
}

async function readFile(file: string): Promise<Record<string, unknown>> {
  const what = file === "-" ? "--params - (standard input)" : `--params ${file}`;
  let text: string;
  try {
    text = await (file === "-" ? Bun.stdin.text() : Bun.file(file).text());
  } catch {
    throw new UsageError(`${what}: cannot be read`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${what}: not JSON: ${error instanceof Error ? error.message : "?"}`);
  }
  if (typeof value !== "object" || value === null || !isPlainObject(value)) {
    throw new UsageError(`${what}: must hold an object of parameters, e.g. {"limit": 5}`);
  }
  return { ...value };
}

/** What `run <file> --help` says of the file's own parameters. */
export async function paramsHelp(pipeline: Pipeline, file: string): Promise<string> {
  const { params: spec } = pipeline;
  const heading = `\nParameters of ${file}`;
  if (isStandardSchema(spec)) {
    const defaults = await resolveParams(spec, {}).catch(() => undefined);
    const checked = `${heading} (checked by its ${spec["~standard"].vendor} schema):\n`;
    return defaults === undefined
      ? `${checked}  some are required; run it without to be told which\n`
      : checked + lines(defaults);
  }
  const names = Object.keys(spec ?? {});
  return names.length === 0 ? `${heading}: none\n` : `${heading}:\n${lines({ ...spec })}`;
}

function lines(defaults: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(defaults).map(([name, value]) => ({
    flag: `--param ${name}=<${kindOf(value)}>`,
    value: JSON.stringify(value) ?? "none",
  }));
  const width = Math.max(0, ...rows.map(({ flag }) => flag.length));
  return rows.map(({ flag, value }) => `  ${flag.padEnd(width)}  default ${value}\n`).join("");
}

function kindOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return typeof value;
  if (typeof value === "string") return "text";
  return value === null || value === undefined ? "value" : "json";
}
