// `--param name=value` and `--params file.json`, merged. A flag overrides the file.

import { TextDecoder } from "../base/globals.ts";
import { AlteredJsonError, parseExactJson } from "../base/exact-json.ts";
import { isPlainObject } from "../base/json.ts";
import { reasonOf } from "../base/system-error.ts";
import { defineFlags } from "../cli/flag-defs.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";

export const paramFlags = defineFlags({
  param: {
    type: "string",
    alias: "arg",
    repeat: true,
    valueHint: "name=value",
    description: "a parameter of the pipeline",
    suggestedAs: "to set a parameter of the pipeline",
  },
  params: {
    type: "string",
    valueHint: "file",
    description: "parameters from a JSON file, or - for standard input",
  },
});

export async function readParams(
  pairs: readonly string[],
  file: string | undefined,
): Promise<Record<string, unknown>> {
  const fromFile = file === undefined ? {} : await readFile(file);
  // `fromEntries` keeps a key `__proto__`; an assignment would set the prototype.
  return Object.fromEntries([...Object.entries(fromFile), ...fromPairs(pairs)]);
}

function fromPairs(pairs: readonly string[]): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const pair of pairs) {
    const split = pair.indexOf("=");
    if (split <= 0) {
      throw new UsageError(
        `--param must be name=value, not ${quote(pair)}`,
        "e.g. --param limit=5",
      );
    }
    const name = pair.slice(0, split);
    const value = pair.slice(split + 1);
    const before = params.get(name);
    if (before !== undefined && before !== value) {
      throw new UsageError(
        `--param ${name} is given twice: ${quote(before)}, then ${quote(value)}`,
        "keep one of them",
      );
    }
    params.set(name, value);
  }
  return params;
}

async function readFile(file: string): Promise<Record<string, unknown>> {
  const what = file === "-" ? "--params - (standard input)" : `--params ${file}`;
  const text = decoded(await bytesOf(file, what), what);
  if (text.trim() === "") throw new UsageError(`${what}: is empty; e.g. {"limit": 5}`);
  const value = parsed(text, what);
  if (typeof value !== "object" || value === null || !isPlainObject(value)) {
    throw new UsageError(`${what}: must hold an object of parameters, e.g. {"limit": 5}`);
  }
  return { ...value };
}

async function bytesOf(file: string, what: string): Promise<Uint8Array> {
  try {
    return await (file === "-" ? Bun.stdin.bytes() : Bun.file(file).bytes());
  } catch (error) {
    throw new UsageError(`${what}: cannot be read: ${reasonOf(error)}`);
  }
}

/** UTF-8, or UTF-16 with a byte order mark, which `>` of PowerShell 5 writes. */
function decoded(bytes: Uint8Array, what: string): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${what}: is not UTF-8 text; save it as UTF-8`);
  }
}

function parsed(text: string, what: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (error instanceof AlteredJsonError) {
      throw new UsageError(`${what}: ${quote(error.path)}: ${error.message}`);
    }
    throw new UsageError(`${what}: not JSON: ${reasonOf(error)}`);
  }
}
