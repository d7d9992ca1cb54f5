// The command line as tokens. Which argument is a flag's value depends on the flag, so this needs the definitions.

import { aliasesOf, hasNegation, kebab, valueName } from "./flag-defs.ts";
import type { FlagDef, FlagDefs, Positional } from "./flag-defs.ts";
import { quote } from "./flag-values.ts";
import { didYouMean, nearest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

export type NamedDef = Exclude<FlagDef, Positional>;

/** One spelling of a flag: `--workers`, `-w`, `--no-wal`. */
export type Spelling = {
  readonly key: string;
  readonly def: NamedDef;
  /** The main spelling, with its dashes. */
  readonly main: string;
  readonly negated: boolean;
};

export type Spellings = ReadonlyMap<string, Spelling>;

export type Token =
  | {
      readonly kind: "flag";
      /** As it was typed: `-w`. */
      readonly typed: string;
      readonly spelling: Spelling;
      readonly value: string | undefined;
    }
  /** `at`: its index among the arguments. */
  | { readonly kind: "positional"; readonly text: string; readonly at: number };

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

/** `-w (--workers)`, or `--workers` when that was typed. */
export const labelOf = (typed: string, spelling: Spelling): string =>
  typed.startsWith("--") ? typed : `${typed} (${spelling.main})`;

/** Walks the arguments; a flag takes its value from the same or from the next one. */
class Cursor {
  #next = 0;
  readonly #args: readonly string[];
  constructor(args: readonly string[]) {
    this.#args = args;
  }
  /** The index of the argument taken last. */
  get at(): number {
    return this.#next - 1;
  }
  peek(): string | undefined {
    return this.#args[this.#next];
  }
  take(): string | undefined {
    return this.#args[this.#next++];
  }
}

/** @throws UsageError at the first flag that is unknown or lacks its value */
export function* tokenize(args: readonly string[], known: Spellings): Generator<Token, void> {
  const cursor = new Cursor(args);
  let flagsEnded = false;
  for (let arg = cursor.take(); arg !== undefined; arg = cursor.take()) {
    const { at } = cursor;
    if (flagsEnded || arg === "-" || !arg.startsWith("-"))
      yield { kind: "positional", text: arg, at };
    else if (arg === "--") flagsEnded = true;
    else if (arg.startsWith("--")) yield longFlag(arg, cursor, known);
    else yield* shortFlags(arg, cursor, known);
  }
}

function longFlag(arg: string, cursor: Cursor, known: Spellings): Token {
  const equals = arg.indexOf("=");
  const typed = equals === -1 ? arg : arg.slice(0, equals);
  const spelling = known.get(typed);
  if (spelling === undefined) throw unknownFlag(typed, known);
  const inline = equals === -1 ? undefined : arg.slice(equals + 1);
  return { kind: "flag", typed, spelling, value: inline ?? nextValue(typed, spelling, cursor) };
}

/** `-vvq`, `-n10`, `-n=10`, `-vn 10`: letters up to the first one that takes a value. */
function* shortFlags(arg: string, cursor: Cursor, known: Spellings): Generator<Token, void> {
  let rest = arg.slice(1);
  while (rest !== "") {
    const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    const typed = `-${letter}`;
    const spelling = known.get(typed);
    if (spelling === undefined || isLongByMistake(arg, known)) {
      throw unknownShort(arg, typed, known);
    }
    rest = rest.slice(letter.length);
    const value = restValue(rest, spelling.def);
    if (value !== undefined) rest = "";
    yield { kind: "flag", typed, spelling, value: value ?? nextValue(typed, spelling, cursor) };
  }
}

/** What follows a letter within the same argument, if that is its value. */
function restValue(rest: string, def: NamedDef): string | undefined {
  if (rest.startsWith("=")) return rest.slice(1);
  return takesValue(def) && rest !== "" ? rest : undefined;
}

const takesValue = (def: NamedDef): boolean => def.type !== "boolean" && def.type !== "count";

function nextValue(typed: string, spelling: Spelling, cursor: Cursor): string | undefined {
  if (!takesValue(spelling.def)) return undefined;
  const next = cursor.peek();
  if (next !== undefined && canBeValue(next, spelling.def)) return cursor.take();
  if (hasOptionalValue(spelling.def)) return undefined;
  throw missingValue(typed, spelling, next);
}

const hasOptionalValue = (def: NamedDef): boolean =>
  def.type === "integer" && def.optionalValue === true;

/** `-1` is a value, so that `-n -1` gets a better answer than "missing value"; other dashes begin a flag. */
function canBeValue(next: string, def: NamedDef): boolean {
  if (hasOptionalValue(def)) return /^\d+$/.test(next);
  return next === "-" || !next.startsWith("-") || /^-\.?\d/.test(next);
}

function missingValue(typed: string, spelling: Spelling, next: string | undefined): UsageError {
  const label = labelOf(typed, spelling);
  if (next === undefined || next === "--") {
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
    return new UsageError(
      `unknown flag ${clean(typed)}`,
      `${positive.main} is off unless it is given`,
    );
  }
  const hint = suggestion(typed, known) ?? parameterHint(typed, known);
  return new UsageError(`unknown flag ${clean(typed)}`, hint);
}

/** Other tools take a pipeline's parameters as flags. */
const parameterHint = (typed: string, known: Spellings): string | undefined =>
  known.has("--param") && /^--[\w.-]{1,60}$/.test(typed)
    ? `a parameter of the pipeline is set like this: --param ${typed.slice(2)}=<value>`
    : undefined;

/** `-workers 4`: one dash too few. */
const isLongByMistake = (arg: string, known: Spellings): boolean =>
  arg.length > 2 && known.has(`-${arg.replace(/=.*$/s, "")}`);

function unknownShort(arg: string, typed: string, known: Spellings): UsageError {
  if (isLongByMistake(arg, known)) {
    const name = arg.replace(/=.*$/s, "");
    return new UsageError(`unknown flag ${name}`, didYouMean(`-${name}`));
  }
  const inside = arg === typed ? "" : ` in ${quote(arg)}`;
  const otherCase = [typed.toLowerCase(), typed.toUpperCase()].find((flag) => known.has(flag));
  return new UsageError(
    `unknown flag ${clean(typed)}${inside}`,
    didYouMean(otherCase) ?? (arg.length > 3 ? suggestion(`-${arg}`, known) : undefined),
  );
}

/** Compared without dashes, so that they do not count as likeness. `--help` works everywhere. */
function suggestion(typed: string, known: Spellings): string | undefined {
  const long = [...known.keys(), "--help"].filter((flag) => flag.startsWith("--"));
  const name = nearest(
    typed.slice(2),
    long.map((flag) => flag.slice(2)),
  );
  return name === undefined ? undefined : didYouMean(`--${name}`);
}

/** A flag's name stands without quotes unless it holds something strange. */
const clean = (typed: string): string => (/^[\w.-]{1,60}$/.test(typed) ? typed : quote(typed));
