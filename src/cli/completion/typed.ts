// The words before the current one, parsed leniently: an unfinished line is rarely correct. Pure.

import { type FlagDefs, kebab, type NamedFlag, takesValue } from "../flag-defs.ts";
import { type Spelling, spellingsOf, tokenize } from "../flag-tokens.ts";

export type Typed = {
  readonly positionals: readonly string[];
  /** By key; a flag without a value has an empty list. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** The flag before the current word, when its value comes next. */
  readonly awaiting: Spelling | undefined;
  /** After `--` there are no flags. */
  readonly flagsEnded: boolean;
};

export function readTyped(words: readonly string[], defs: FlagDefs): Typed {
  const positionals: string[] = [];
  const given = new Map<string, readonly string[]>();
  let awaiting: Spelling | undefined;
  let flagsEnded = false;
  for (const token of tokenize(words, spellingsOf(defs))) {
    awaiting = undefined;
    if (token.kind === "positional") positionals.push(token.text);
    else if (token.kind === "end") flagsEnded = true;
    else if (token.spelling !== undefined) {
      const { spelling, value } = token;
      const before = given.get(spelling.key) ?? [];
      given.set(spelling.key, value === undefined ? before : [...before, value]);
      if (value === undefined && takesValue(spelling.def)) awaiting = spelling;
    }
  }
  return { positionals, given, awaiting, flagsEnded };
}

/** The spellings that are worth offering: `--no-wal`, not `--wal`, where the flag is on by default. */
export function offeredSpellings(key: string, def: NamedFlag): readonly string[] {
  const long = `--${kebab(key)}`;
  if (def.type !== "boolean") return [long];
  if (def.threeState === true) return [long, `--no-${kebab(key)}`];
  return [def.default === true ? `--no-${kebab(key)}` : long];
}
