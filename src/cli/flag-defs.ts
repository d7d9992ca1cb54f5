// What a command's flags and arguments look like, and the types of their values. Each is an `ArgDef` of citty, with fields
// for what citty does not have: numbers, counts, repeated flags, three-state booleans.
// Keys are camelCase (`numTasks`) and are typed as kebab-case (`--num-tasks`). A default is written as a person types it.

import type { BooleanArgDef, EnumArgDef, PositionalArgDef, StringArgDef } from "citty";

type Described = {
  /** One sentence without a full stop; help wraps it. */
  readonly description: string;
};

type Valued = Described & {
  /** A default that is not a constant, in words: `the number of cores`. Shown in the help only. */
  readonly defaultHint?: string;
};

/** `--json`; `--no-wal` exists only where the default is true, or with `threeState`. `--wal=false` works too. */
type BooleanFlag = BooleanArgDef &
  Described & {
    readonly type: "boolean";
    /** The value is `undefined` when neither `--x` nor `--no-x` is given. */
    readonly threeState?: true;
    readonly count?: never;
  };

/** How often the flag is given: `-vv` and `-v -v` are 2. */
type CountFlag = BooleanArgDef &
  Described & { readonly type: "boolean"; readonly count: true; readonly threeState?: never };

type TextFlag = StringArgDef &
  Valued & {
    readonly type: "string";
    readonly valueType?: never;
    /** Throws an Error for a wrong value, which is then wrong usage. */
    readonly check?: (text: string) => unknown;
  };

/** Never the empty string: that is a shell variable that is not set. */
type StringFlag = TextFlag & { readonly repeat?: never };

/** A `string[]` in the order given; empty when the flag is not given. */
type RepeatedFlag = TextFlag & {
  readonly repeat: true;
  readonly default?: never;
  /** The flag takes `name=value`, and this sentence suggests it for an unknown flag `--name`. */
  readonly suggestedAs?: string;
};

/** `1e9` is an integer; one beyond 2^53 is an error. */
export type NumberFlag = StringArgDef &
  Valued & {
    readonly type: "string";
    readonly valueType: "integer" | "number";
    readonly min?: number;
    readonly max?: number;
    /** The flag alone is `true`: `--resume`, `--resume 12`, `--resume=12`. */
    readonly optionalValue?: true;
    readonly repeat?: never;
  };

export type EnumFlag = EnumArgDef & Valued & { readonly type: "enum"; readonly options: string[] };

/** Taken in the order of the definitions. Required unless `required: false` or a default says otherwise. */
export type Positional = PositionalArgDef &
  Described & {
    readonly type: "positional";
    readonly options?: string[];
    /** Takes all that are left; only on the last one. */
    readonly repeat?: true;
  };

export type NamedFlag = BooleanFlag | CountFlag | StringFlag | RepeatedFlag | NumberFlag | EnumFlag;

export type ValuedFlag = Exclude<NamedFlag, BooleanFlag | CountFlag>;

export type FlagDef = NamedFlag | Positional;

export type FlagDefs = { readonly [key: string]: FlagDef };

type Maybe<Def, Value> = Def extends { readonly default: string } | { readonly required: true }
  ? Value
  : Value | undefined;

type PositionalValue<Def, Value> = Def extends { readonly repeat: true }
  ? string[]
  : Def extends { readonly required: false }
    ? Maybe<Def, Value>
    : Value;

type OptionOf<Def> = Def extends { readonly options: readonly (infer Option)[] } ? Option : string;

/** The type of one definition's value. */
type FlagValue<Def> = Def extends { readonly type: "boolean" }
  ? Def extends { readonly count: true }
    ? number
    : Def extends { readonly threeState: true }
      ? boolean | undefined
      : boolean
  : Def extends { readonly type: "positional" }
    ? PositionalValue<Def, OptionOf<Def>>
    : Def extends { readonly repeat: true }
      ? string[]
      : Def extends { readonly valueType: string }
        ? Maybe<Def, number> | (Def extends { readonly optionalValue: true } ? true : never)
        : Maybe<Def, OptionOf<Def>>;

export type Flags<Defs extends FlagDefs> = {
  readonly [Key in keyof Defs]: FlagValue<Defs[Key]>;
};

/** Keeps the literal types of definitions that several commands share. */
export const defineFlags = <const Defs extends FlagDefs>(defs: Defs): Defs => defs;

/** `numTasks` → `num-tasks` */
export const kebab = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** All other spellings, with their dashes. */
export function aliasesOf(def: FlagDef): string[] {
  if (def.type === "positional" || def.alias === undefined) return [];
  const names = typeof def.alias === "string" ? [def.alias] : def.alias;
  return names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
}

export const hasNegation = (def: FlagDef): def is BooleanFlag =>
  def.type === "boolean" && (def.default === true || def.threeState === true);

export const takesValue = (def: NamedFlag): def is ValuedFlag => def.type !== "boolean";

/** `--resume` and `--resume 12`. */
export const mayStandAlone = (def: NamedFlag): boolean =>
  def.type === "string" && def.valueType !== undefined && def.optionalValue === true;

/** A positional that must be given. */
export const isRequiredPositional = (def: Positional): boolean =>
  def.required ?? (def.default === undefined && def.repeat !== true);

/** Messages and the help name a positional like this. */
export const positionalLabel = (key: string, def: Positional): string =>
  `<${def.valueHint ?? kebab(key)}>`;

/** Messages and the help name a flag's value like this. */
export function valueName(def: NamedFlag): string {
  if (def.valueHint !== undefined) return def.valueHint;
  if (def.type === "enum") return def.options.join("|");
  return def.type === "string" && def.valueType === undefined ? "text" : "n";
}
