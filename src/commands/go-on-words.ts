// The words of `pipeloom run` that name a run which the file has: to continue it. Pure.

import { paramFlags, paramTexts } from "../api/param-words.ts";
import { JSON } from "../base/globals.ts";
import { isObject } from "../base/json.ts";
import { engineWords } from "../protocol/engine-url.ts";
import { engineOf, type SeenRun } from "../store/read/overview.ts";

/** Longer params nobody reads in a command: who continues the run gives them again. */
const mostChars = 500;

/**
 * A secret is `***` in the file, and so in the command, which is then refused as it is.
 * @param file of the run, as it is to be named
 */
export function goOnWords(
  file: string,
  run: Pick<SeenRun, "params" | "scheduledFor" | "engine">,
): readonly string[] {
  const slot = run.scheduledFor === null ? [] : ["--scheduled-for", run.scheduledFor];
  return [file, ...paramWords(run.params), ...slot, ...engineWords(engineOf(run))];
}

function paramWords(params: string): readonly string[] {
  const known = params.length > mostChars ? undefined : objectIn(params);
  const texts = known && paramTexts(known);
  return texts === undefined ? ["--params", "…"] : paramFlags(texts);
}

/** Undefined for what pipeloom does not write: users can edit the table. */
function objectIn(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
