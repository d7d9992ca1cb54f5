// Strict parsing of one command's arguments. citty's own parser lets unknown flags, missing values and repeats pass,
// so the commands read their raw arguments with this one.

import { assertNever } from "../base/unreachable.ts";
import { isRequiredPositional, kebab } from "./flag-defs.ts";
import type { FlagDef, FlagDefs, Flags, Positional } from "./flag-defs.ts";
import { labelOf, spellingsOf, tokenize } from "./flag-tokens.ts";
import type { Token } from "./flag-tokens.ts";
import { parsePositional, parseValue, quote } from "./flag-values.ts";
import { UsageError } from "./usage-error.ts";

type Value = string | number | boolean | string[] | undefined;
type Given = Map<string, Value>;
type FlagToken = Extract<Token, { kind: "flag" }>;

/**
 * Reads `args` by `defs`. Every key of `defs` is in the result, with its default or `undefined` (booleans: false,
 * counts: 0, repeated ones: []) where it was not given.
 *
 * @throws UsageError for whatever is not exactly as defined
 */
export function parseFlags<const Defs extends FlagDefs>(
  args: readonly string[],
  defs: Defs,
): Flags<Defs> {
  const given: Given = new Map();
  const positionals: string[] = [];
  for (const token of tokenize(args, spellingsOf(defs))) {
    if (token.kind === "positional") positionals.push(token.text);
    else given.set(token.spelling.key, valueOf(token, given.get(token.spelling.key)));
  }
  assignPositionals(positionals, defs, given);
  assertRequired(defs, given);
  const values = Object.entries(defs).map(([key, def]) => [key, given.get(key) ?? absent(def)]);
  // The one assertion: `valueOf` and `absent` follow `FlagValue` case by case, which the compiler cannot see.
  return Object.fromEntries(values) as Flags<Defs>;
}

function valueOf(token: FlagToken, before: Value): Value {
  const { def } = token.spelling;
  const label = labelOf(token.typed, token.spelling);
  if (def.type === "boolean") return booleanValue(token, label, before);
  if (def.type === "count") return counted(token, label, before);
  if (token.value === undefined) return once(true, label, before);
  const value = parseValue(def, token.value, label);
  if (def.type === "string" && def.repeat === true) {
    return [...(Array.isArray(before) ? before : []), String(value)];
  }
  return once(value, label, before);
}

function once(value: Value, label: string, before: Value): Value {
  if (before === undefined) return value;
  const both = `${show(before)}, then ${show(value)}`;
  throw new UsageError(`${label} is given twice: ${both}`, "keep one of them");
}

const show = (value: Value): string => (value === true ? "without a value" : String(value));

function booleanValue(token: FlagToken, label: string, before: Value): boolean {
  const value = token.spelling.negated ? negated(token, label) : affirmed(token, label);
  if (before !== undefined && before !== value) {
    throw new UsageError(`${token.spelling.main} is both switched on and off`, "keep one of them");
  }
  return value;
}

function negated(token: FlagToken, label: string): false {
  if (token.value === undefined) return false;
  throw new UsageError(`${label} takes no value, and ${quote(token.value)} is given`);
}

function affirmed(token: FlagToken, label: string): boolean {
  if (token.value === undefined || token.value === "true") return true;
  if (token.value === "false") return false;
  throw new UsageError(`${label} can only be true or false, not ${quote(token.value)}`);
}

function counted(token: FlagToken, label: string, before: Value): number {
  if (token.value !== undefined) {
    throw new UsageError(
      `${label} takes no value`,
      `repeat it instead: ${token.typed} ${token.typed}`,
    );
  }
  return (typeof before === "number" ? before : 0) + 1;
}

function absent(def: FlagDef): Value {
  switch (def.type) {
    case "boolean":
      return def.threeState === true ? undefined : (def.default ?? false);
    case "count":
      return 0;
    case "string":
      return def.repeat === true ? [] : def.default;
    case "positional":
      return def.repeat === true ? [] : def.default;
    case "integer":
    case "number":
    case "enum":
      return def.default;
    default:
      return assertNever(def);
  }
}

const isPositional = (entry: [string, FlagDef]): entry is [string, Positional] =>
  entry[1].type === "positional";

/** Positionals are named like this in messages and in the help. */
export const positionalLabel = (key: string, def: Positional): string =>
  `<${def.valueHint ?? kebab(key)}>`;

function assignPositionals(texts: readonly string[], defs: FlagDefs, given: Given): void {
  const wanted = Object.entries(defs).filter(isPositional);
  let used = 0;
  for (const [key, def] of wanted) {
    const mine = def.repeat === true ? texts.slice(used) : texts.slice(used, used + 1);
    used += mine.length;
    const label = positionalLabel(key, def);
    if (mine.length === 0 && isRequiredPositional(def)) throw missingPositional(label, def);
    const values = mine.map((text) => parsePositional(def, text, label));
    given.set(key, def.repeat === true ? values : values[0]);
  }
  const extra = texts[used];
  if (extra !== undefined) throw unexpected(extra, wanted);
}

function missingPositional(label: string, def: Positional): UsageError {
  const options = def.options === undefined ? "" : `: one of ${def.options.join(", ")}`;
  return new UsageError(`${label} is missing${options}`);
}

function unexpected(text: string, wanted: readonly [string, Positional][]): UsageError {
  const names = wanted.map(([key, def]) => positionalLabel(key, def));
  const hint =
    names.length === 0
      ? "this command takes flags only"
      : `${names.join(" ")} is all that this command takes besides flags`;
  return new UsageError(`unexpected argument ${quote(text)}`, hint);
}

function assertRequired(defs: FlagDefs, given: Given): void {
  for (const [key, def] of Object.entries(defs)) {
    const required = def.type !== "positional" && "required" in def;
    if (required && !given.has(key)) throw new UsageError(`--${kebab(key)} is required`);
  }
}
