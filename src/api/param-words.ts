// Params, and what is selected of a plan, as arguments of the command line.

import { JSON } from "../base/globals.ts";
import { canonicalJson } from "../base/json.ts";
import { flagWords } from "../protocol/pipeloom-command.ts";
import { type ParamDefaults, ParamsError, resolveParams, type StandardSchema } from "./params.ts";

/**
 * The arguments `--param name=value` that give the same params as `given`; undefined where none do, e.g. a number for a
 * parameter that takes text and numbers.
 * @param resolved what `resolveParams` gave for `given`
 */
export async function paramWords(
  spec: ParamDefaults | StandardSchema<unknown> | undefined,
  given: Readonly<Record<string, unknown>>,
  resolved: Readonly<Record<string, unknown>>,
): Promise<readonly string[] | undefined> {
  const texts = paramTexts(given);
  if (texts === undefined) return undefined;
  try {
    const again = await resolveParams(spec, Object.fromEntries(texts));
    if (canonicalJson(again) !== canonicalJson(resolved)) return undefined;
  } catch (thrown) {
    if (thrown instanceof ParamsError) return undefined;
    throw thrown;
  }
  return paramFlags(texts);
}

/** Names, and values as the command line takes them. Undefined where a name, or a value that is not JSON, cannot be given there. */
export function paramTexts(
  params: Readonly<Record<string, unknown>>,
): readonly (readonly [name: string, text: string])[] | undefined {
  const texts = Object.entries(params).map(([name, value]) => [name, textOf(value)] as const);
  return texts.every(isGivable) ? texts : undefined;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : JSON.stringify(value);

const isGivable = (
  param: readonly [name: string, text: string | undefined],
): param is readonly [name: string, text: string] =>
  param[0] !== "" && !param[0].includes("=") && param[1] !== undefined;

export const paramFlags = (
  texts: readonly (readonly [name: string, text: string])[],
): readonly string[] => texts.flatMap(([name, text]) => flagWords("--param", `${name}=${text}`));

/** `--only` for each value of a member of the input, and for each title. */
export function onlyWords(
  members: Readonly<Record<string, unknown>>,
  titles: readonly string[],
): readonly string[] {
  const values = Object.entries(members).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}=${String(each)}`),
  );
  return [...titles, ...values].flatMap((text) => flagWords("--only", text));
}
