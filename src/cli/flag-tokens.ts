// Splits arguments into tokens with `parseArgs` of `node:util`. Lenient, because completion reads unfinished lines;
// strict-tokens.ts refuses errors.

import { parseArgs } from "node:util";

import {
  aliasesOf,
  hasNegation,
  kebab,
  mayStandAlone,
  type FlagDefs,
  type NamedFlag,
  takesValue,
} from "./flag-defs.ts";

/** One spelling of a flag: `--workers`, `-w`, `--no-wal`. */
export type Spelling = {
  readonly key: string;
  readonly def: NamedFlag;
  /** The main spelling, with its dashes. */
  readonly main: string;
  readonly negated: boolean;
};

export type Spellings = ReadonlyMap<string, Spelling>;

/** `at`: the index of the token's argument. */
export type PositionalToken = {
  readonly kind: "positional";
  readonly text: string;
  readonly at: number;
};

export type FlagToken = {
  readonly kind: "flag";
  readonly at: number;
  /** As it is typed: `-w`. */
  readonly typed: string;
  /** `undefined`: there is no such flag. */
  readonly spelling: Spelling | undefined;
  readonly value: string | undefined;
  /** The value is in the flag's own argument: `--db=x`, `-w4`. */
  readonly inline: boolean;
};

/** `--`: what follows is positional. */
type EndToken = { readonly kind: "end"; readonly at: number };

type Token = PositionalToken | FlagToken | EndToken;

/** Every way to type every flag. */
export function spellingsOf(defs: FlagDefs): Spellings {
  const all = new Map<string, Spelling>();
  for (const [key, def] of Object.entries(defs)) {
    if (def.type === "positional") continue;
    const main = `--${kebab(key)}`;
    for (const typed of [main, ...aliasesOf(def)])
      all.set(typed, { key, def, main, negated: false });
    if (hasNegation(def)) all.set(`--no-${kebab(key)}`, { key, def, main, negated: true });
  }
  return all;
}

type Option = { type: "string" | "boolean"; short?: string };

/** Each short spelling is its own option, because an option of `parseArgs` has at most one. */
function optionsOf(known: Spellings): Record<string, Option> {
  const options = [...known].map(([typed, { def }]): [string, Option] => {
    // A `string` option consumes any next argument, but an optional value must be a number.
    const type = takesValue(def) && !mayStandAlone(def) ? "string" : "boolean";
    if (typed.startsWith("--")) return [typed.slice(2), { type }];
    return [typed, { type, short: typed.slice(1) }];
  });
  return Object.fromEntries(options);
}

export function tokenize(args: readonly string[], known: Spellings): Token[] {
  const { tokens } = parseArgs({
    args: [...args],
    options: optionsOf(known),
    tokens: true,
    strict: false,
    allowPositionals: true,
  });
  const read: Token[] = [];
  for (const token of tokens) {
    const last = read.at(-1);
    const { index: at } = token;
    if (token.kind === "positional") {
      const { value: text } = token;
      if (isOptionalValue(last, text, at)) read[read.length - 1] = { ...last, value: text };
      else read.push({ kind: "positional", text, at });
    } else if (token.kind === "option") {
      const { rawName: typed, value, inlineValue: inline = false } = token;
      const before = last?.kind === "flag" && last.at === at ? last : undefined;
      // `parseArgs` splits `-q=false` into the flags q, =, f, a, l, s, e.
      if (before?.value !== undefined) continue;
      if (before !== undefined && typed === "-=") {
        read[read.length - 1] = { ...before, value: afterEquals(args[at]), inline: true };
      } else {
        // For `parseArgs` the value of `-w=4` is `=4`.
        const text = inline && !typed.startsWith("--") ? value?.replace(/^=/, "") : value;
        read.push({ kind: "flag", at, typed, spelling: known.get(typed), value: text, inline });
      }
    } else read.push(args[at] === "--" ? { kind: "end", at } : flagOfDashes(at));
  }
  return read;
}

/** Without flags and their values. Unknown flags have none. */
export const positionalsOf = (args: readonly string[], defs: FlagDefs): string[] =>
  tokenize(args, spellingsOf(defs)).flatMap((token) =>
    token.kind === "positional" ? [token.text] : [],
  );

/** The same words without this switch; a value that reads like it stays. */
export function withoutFlag(args: readonly string[], defs: FlagDefs, key: string): string[] {
  const places = new Set(
    tokenize(args, spellingsOf(defs)).flatMap((token) =>
      token.kind === "flag" && token.spelling?.key === key ? [token.at] : [],
    ),
  );
  return args.filter((_, at) => !places.has(at));
}

/** `parseArgs` takes the second dash of `-v-x` for the end of the flags. */
const flagOfDashes = (at: number): FlagToken => ({
  kind: "flag",
  at,
  typed: "--",
  spelling: undefined,
  value: undefined,
  inline: false,
});

const afterEquals = (arg = ""): string => arg.slice(arg.indexOf("=") + 1);

const isOptionalValue = (last: Token | undefined, text: string, at: number): last is FlagToken =>
  last?.kind === "flag" &&
  last.spelling !== undefined &&
  mayStandAlone(last.spelling.def) &&
  last.value === undefined &&
  last.at === at - 1 &&
  /^\d+$/.test(text);
