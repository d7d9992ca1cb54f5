// What has been typed so far, read leniently: a line that is being written is rarely right yet. Pure.

import { kebab } from "../../cli/flag-defs.ts";
import type { FlagDefs } from "../../cli/flag-defs.ts";
import { spellingsOf } from "../../cli/flag-tokens.ts";
import type { NamedDef, Spelling } from "../../cli/flag-tokens.ts";

export type Typed = {
  readonly positionals: readonly string[];
  /** By key; a flag without a value has an empty list. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** The flag whose value comes next, because the word before was that flag. */
  readonly awaiting: Spelling | undefined;
  /** After `--` there are no flags. */
  readonly flagsEnded: boolean;
};

export function readTyped(words: readonly string[], defs: FlagDefs): Typed {
  const known = spellingsOf(defs);
  const positionals: string[] = [];
  const given = new Map<string, string[]>();
  let awaiting: Spelling | undefined;
  let flagsEnded = false;
  const note = (key: string, ...values: string[]): void => {
    given.set(key, [...(given.get(key) ?? []), ...values]);
  };
  for (const word of words) {
    if (awaiting !== undefined && !(mayStandAlone(awaiting.def) && word.startsWith("-"))) {
      note(awaiting.key, word);
      awaiting = undefined;
      continue;
    }
    awaiting = undefined;
    if (flagsEnded || !word.startsWith("-") || word === "-") positionals.push(word);
    else if (word === "--") flagsEnded = true;
    else {
      const [spelling, value] = flagIn(word, known);
      if (spelling === undefined) continue;
      note(spelling.key, ...(value === undefined ? [] : [value]));
      if (value === undefined && takesValue(spelling.def)) awaiting = spelling;
    }
  }
  return { positionals, given, awaiting, flagsEnded };
}

export const takesValue = (def: NamedDef): boolean =>
  def.type !== "boolean" && def.type !== "count";

/** `--resume` and `--resume 12`. */
export const mayStandAlone = (def: NamedDef): boolean =>
  def.type === "integer" && def.optionalValue === true;

/** `--db=x`, `--db`, `-w4`, `-w`, `-vvw`: the flag that the word ends with, and its value if that is in the word too. */
function flagIn(
  word: string,
  known: ReadonlyMap<string, Spelling>,
): [Spelling | undefined, string | undefined] {
  const equals = word.indexOf("=");
  if (equals !== -1) return [known.get(word.slice(0, equals)), word.slice(equals + 1)];
  if (word.startsWith("--")) return [known.get(word), undefined];
  for (let at = 1; at < word.length; at++) {
    const spelling = known.get(`-${word[at]}`);
    if (spelling === undefined) return [undefined, undefined];
    const rest = word.slice(at + 1);
    if (rest === "" || takesValue(spelling.def)) return [spelling, rest === "" ? undefined : rest];
  }
  return [undefined, undefined];
}

/** The spellings that are worth offering: `--no-wal`, not `--wal`, where it is on anyway. */
export function offeredSpellings(key: string, def: NamedDef): readonly string[] {
  const long = `--${kebab(key)}`;
  if (def.type !== "boolean") return [long];
  if (def.threeState === true) return [long, `--no-${kebab(key)}`];
  return [def.default === true ? `--no-${kebab(key)}` : long];
}
