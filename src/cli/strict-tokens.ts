// Checks tokens: an unknown flag or a missing value is a usage error with a suggestion.

import { mayStandAlone, takesValue, valueName } from "./flag-defs.ts";
import {
  type FlagToken,
  type PositionalToken,
  type Spelling,
  type Spellings,
  tokenize,
} from "./flag-tokens.ts";
import { quote } from "./flag-values.ts";
import { didYouMean, nearest } from "../base/suggest.ts";
import { UsageError } from "./usage-error.ts";

export type KnownFlag = FlagToken & { readonly spelling: Spelling };

/** `-w (--workers)`, or `--workers` when that is typed. */
export const labelOf = (typed: string, spelling: Spelling): string =>
  typed.startsWith("--") ? typed : `${typed} (${spelling.main})`;

/** @throws UsageError at the first flag that is unknown or lacks its value */
export function* strictTokens(
  args: readonly string[],
  known: Spellings,
): Generator<PositionalToken | KnownFlag, void> {
  for (const token of tokenize(args, known)) {
    const arg = args[token.at] ?? "";
    if (token.kind === "positional") yield token;
    else if (token.kind !== "flag") continue;
    else if (isText(token, arg)) yield { kind: "positional", text: arg, at: token.at };
    else yield knownFlag(token, arg, known);
  }
}

/** SQL from a file may begin with a comment: `-- customers`, or `--customers` and more lines. No flag is written so. */
const isText = ({ spelling }: FlagToken, arg: string): boolean =>
  spelling === undefined && /^(?:--?\s|[^=\n]*\n)/.test(arg);

function knownFlag(token: FlagToken, arg: string, known: Spellings): KnownFlag {
  const { typed, spelling, value, inline } = token;
  const isLong = arg.startsWith("--");
  if (spelling === undefined || (!isLong && isLongByMistake(arg, known)))
    throw isLong ? unknownFlag(typed, known) : unknownShort(arg, known);
  if (takesValue(spelling.def)) {
    if (value === undefined && !mayStandAlone(spelling.def)) throw missingValue(typed, spelling);
    if (value !== undefined && !inline && looksLikeFlag(value))
      throw missingValue(typed, spelling, value);
  }
  return { ...token, spelling };
}

/** `-1` is a value, so that the error of `-n -1` is about its range. */
const looksLikeFlag = (text: string): boolean =>
  text !== "-" && text.startsWith("-") && !/^-\.?\d/.test(text);

function missingValue(typed: string, spelling: Spelling, next = "--"): UsageError {
  const label = labelOf(typed, spelling);
  if (next === "--") {
    return new UsageError(
      `${label} needs a value`,
      `write ${spelling.main} <${valueName(spelling.def)}>`,
    );
  }
  return new UsageError(
    `${label} needs a value, and ${quote(next)} looks like a flag`,
    `if it is the value, write ${spelling.main}=${next}`,
  );
}

function unknownFlag(typed: string, known: Spellings): UsageError {
  const positive = known.get(typed.replace(/^--no-/, "--"));
  if (typed.startsWith("--no-") && positive?.def.type === "boolean") {
    return new UsageError(`unknown flag ${clean(typed)}`, `${positive.main} is off by default`);
  }
  const hint = suggestion(typed, known) ?? pairHint(typed, known);
  return new UsageError(`unknown flag ${clean(typed)}`, hint);
}

/** Suggests `--param limit=…` for `--limit`: other tools take parameters as flags. */
function pairHint(typed: string, known: Spellings): string | undefined {
  if (!/^--[\w.-]{1,60}$/.test(typed)) return undefined;
  for (const { def, main } of known.values()) {
    if (def.type === "string" && def.repeat === true && def.suggestedAs !== undefined)
      return `${def.suggestedAs}: ${main} ${typed.slice(2)}=<value>`;
  }
  return undefined;
}

/** `-workers 4`: one dash is missing. */
const isLongByMistake = (arg: string, known: Spellings): boolean =>
  arg.length > 2 && known.has(`-${arg.replace(/=.*$/s, "")}`);

function unknownShort(arg: string, known: Spellings): UsageError {
  if (isLongByMistake(arg, known)) {
    const name = arg.replace(/=.*$/s, "");
    return new UsageError(`unknown flag ${name}`, didYouMean(`-${name}`));
  }
  const typed = Array.from(arg.slice(1), (letter) => `-${letter}`).find((flag) => !known.has(flag));
  const flag = typed ?? arg;
  const inside = arg === flag ? "" : ` in ${quote(arg)}`;
  const otherCase = [flag.toLowerCase(), flag.toUpperCase()].find((each) => known.has(each));
  return new UsageError(
    `unknown flag ${clean(flag)}${inside}`,
    didYouMean(otherCase) ?? (arg.length > 3 ? suggestion(`-${arg}`, known) : undefined),
  );
}

/** Compared without dashes, which would make all flags alike. Every command has `--help`. */
function suggestion(typed: string, known: Spellings): string | undefined {
  const long = [...known.keys(), "--help"].filter((flag) => flag.startsWith("--"));
  const name = nearest(
    typed.slice(2),
    long.map((flag) => flag.slice(2)),
  );
  return name === undefined ? undefined : didYouMean(`--${name}`);
}

/** Quoted only when it has unusual characters. */
const clean = (typed: string): string => (/^[\w.-]{1,60}$/.test(typed) ? typed : quote(typed));
