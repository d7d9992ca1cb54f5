// `--param name=value` and `--params file.json`, put together. A later one wins; a flag wins over the file.

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
