// Strict parsing of one command's arguments. citty's parser accepts unknown flags, missing values and repeats, so it gets the
// checked values as canonical arguments.

import {
  type FlagDef,
  type FlagDefs,
  type Flags,
  isRequiredPositional,
  kebab,
  type Positional,
  positionalLabel,
  takesValue,
} from "./flag-defs.ts";
import { spellingsOf } from "./flag-tokens.ts";
import { parsePositional, parseValue, quote } from "./flag-values.ts";
import { type KnownFlag, labelOf, strictTokens } from "./strict-tokens.ts";
import { UsageError } from "./usage-error.ts";

type Value = string | number | boolean | string[] | undefined;
type Given = Map<string, Value>;

/**
 * Reads `args` by `defs`. Every key of `defs` is in the result, with its default or `undefined` (booleans: false,
 * counts: 0, repeated flags: []) when it is not given.
 *
 * @throws UsageError for whatever is not exactly as defined
 */
export function parseFlags<const Defs extends FlagDefs>(
  args: readonly string[],
  defs: Defs,
): Flags<Defs> {
  const given: Given = new Map();
  const positionals: string[] = [];
  for (const token of strictTokens(args, spellingsOf(defs))) {
    if (token.kind === "positional") positionals.push(token.text);
    else given.set(token.spelling.key, valueOf(token, given.get(token.spelling.key)));
  }
  assignPositionals(positionals, defs, given);
  assertRequired(defs, given);
  const values = Object.entries(defs).map(([key, def]) => [
    key,
    given.get(key) ?? absent(key, def),
  ]);
  // The one assertion: `valueOf` and `absent` follow `FlagValue` case by case, which the compiler cannot see.
  return Object.fromEntries(values) as Flags<Defs>;
}

/** The values as canonical arguments, which a lenient parser reads correctly: `--name=value`, positionals after `--`. */
export function canonicalArgs(values: Readonly<Record<string, unknown>>, defs: FlagDefs): string[] {
  const flags: string[] = [];
  const positionals: string[] = [];
  for (const [key, def] of Object.entries(defs)) {
    const texts = [values[key] ?? []].flat().map(String);
    if (def.type === "positional") positionals.push(...texts);
    else if (def.type === "boolean" && def.count === true)
      flags.push(`--${kebab(key)}=${values[key] !== 0}`);
    else flags.push(...texts.map((text) => `--${kebab(key)}=${text}`));
  }
  return [...flags, "--", ...positionals];
}

function valueOf(token: KnownFlag, before: Value): Value {
  const { def } = token.spelling;
  const label = labelOf(token.typed, token.spelling);
  if (!takesValue(def)) {
    return def.count === true ? counted(token, label, before) : booleanValue(token, label, before);
  }
  if (token.value === undefined) return once(true, label, before);
  const value = parseValue(def, token.value, label);
  if (def.type === "string" && def.repeat === true)
    return [...(Array.isArray(before) ? before : []), String(value)];
  return once(value, label, before);
}

function once(value: Value, label: string, before: Value): Value {
  if (before === undefined) return value;
  const both = `${show(before)}, then ${show(value)}`;
  throw new UsageError(`${label} is given twice: ${both}`, "keep one of them");
}

const show = (value: Value): string => (value === true ? "without a value" : String(value));

function booleanValue(token: KnownFlag, label: string, before: Value): boolean {
  const value = token.spelling.negated ? negated(token, label) : affirmed(token, label);
  if (before !== undefined && before !== value) {
    throw new UsageError(`${token.spelling.main} is both switched on and off`, "keep one of them");
  }
  return value;
}

function negated(token: KnownFlag, label: string): false {
  if (token.value === undefined) return false;
  throw new UsageError(`${label} takes no value, and ${quote(token.value)} is given`);
}

function affirmed(token: KnownFlag, label: string): boolean {
  if (token.value === undefined || token.value === "true") return true;
  if (token.value === "false") return false;
  throw new UsageError(`${label} can only be true or false, not ${quote(token.value)}`);
}

function counted(token: KnownFlag, label: string, before: Value): number {
  if (token.value !== undefined) {
    throw new UsageError(
      `${label} takes no value`,
      `repeat it instead: ${token.typed} ${token.typed}`,
    );
  }
  return (typeof before === "number" ? before : 0) + 1;
}

function absent(key: string, def: FlagDef): Value {
  if (def.type === "boolean") {
    if (def.count === true) return 0;
    return def.threeState === true ? undefined : (def.default ?? false);
  }
  if (def.type !== "enum" && def.repeat === true) return [];
  if (def.default === undefined || def.type === "positional") return def.default;
  return parseValue(def, def.default, `--${kebab(key)}`);
}

const isPositional = (entry: [string, FlagDef]): entry is [string, Positional] =>
  entry[1].type === "positional";

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
      ? "this command takes only flags"
      : `besides flags, this command takes only ${names.join(" ")}`;
  return new UsageError(`unexpected argument ${quote(text)}`, hint);
}

function assertRequired(defs: FlagDefs, given: Given): void {
  for (const [key, def] of Object.entries(defs)) {
    const required = def.type !== "positional" && def.required === true;
    if (required && !given.has(key)) throw new UsageError(`--${kebab(key)} is required`);
  }
}
