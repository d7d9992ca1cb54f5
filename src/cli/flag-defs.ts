// What a command's flags and arguments look like, and what they become. The shape is citty's `ArgsDef`, extended.
// Keys are camelCase (`numTasks`) and are typed as kebab-case (`--num-tasks`).

type Described = {
  /** One sentence without a full stop; help wraps it. */
  readonly description: string;
  /** Works, but is not in the help. */
  readonly hidden?: boolean;
};

type Named = Described & {
  /** Other spellings: one letter makes a short flag (`w` is `-w`), more make a long one (`arg` is `--arg`). */
  readonly alias?: string | readonly string[];
};

type Valued = Named & {
  /** What stands in `<…>`, and what completion offers: `file`, `db`, `run-id`, `n`. */
  readonly valueHint?: string;
  /** A default that is not a constant, in words: `the number of cores`. Only shown. */
  readonly defaultHint?: string;
  readonly required?: true;
};

/** `--json`; `--no-wal` exists only where the default is true, or with `threeState`. `--wal=false` works too. */
export type BooleanFlag = Named & {
  readonly type: "boolean";
  readonly default?: boolean;
  /** `undefined` when neither `--x` nor `--no-x` was given. */
  readonly threeState?: true;
  /** What `--no-x` does; help shows it in place of `--x` where the default is true. */
  readonly negativeDescription?: string;
};

/** How often it was given: `-vv` and `-v -v` are 2. */
export type CountFlag = Named & { readonly type: "count" };

/** Never the empty string: that is a variable somebody forgot to set. */
export type StringFlag = Valued & {
  readonly type: "string";
  readonly default?: string;
  readonly repeat?: false;
};

/** Collects a `string[]` in the order given; empty when it was not. */
export type RepeatedFlag = Valued & { readonly type: "string"; readonly repeat: true };

type Bounds = { readonly min?: number; readonly max?: number; readonly default?: number };

/** A safe integer; `1e9` is one. */
export type IntegerFlag = Valued &
  Bounds & {
    readonly type: "integer";
    /** The flag alone is `true`: `--resume`, `--resume 12`, `--resume=12`. */
    readonly optionalValue?: true;
  };

export type NumberFlag = Valued & Bounds & { readonly type: "number" };

export type EnumFlag = Valued & {
  readonly type: "enum";
  readonly options: readonly string[];
  readonly default?: string;
};

/** Taken in the order of the definitions. Required unless `required: false` or a default says otherwise. */
export type Positional = Described & {
  readonly type: "positional";
  readonly valueHint?: string;
  readonly required?: boolean;
  readonly default?: string;
  readonly options?: readonly string[];
  /** Takes all that are left; only on the last one. */
  readonly repeat?: boolean;
};

export type FlagDef =
  | BooleanFlag
  | CountFlag
  | StringFlag
  | RepeatedFlag
  | IntegerFlag
  | NumberFlag
  | EnumFlag
  | Positional;

export type FlagDefs = { readonly [key: string]: FlagDef };

type Maybe<Def, Value> = Def extends { readonly default: Value } | { readonly required: true }
  ? Value
  : Value | undefined;

type MaybePositional<Def, Value> = Def extends { readonly default: string }
  ? Value
  : Def extends { readonly required: false }
    ? Value | undefined
    : Value;

type PositionalValue<Def> = Def extends { readonly repeat: true }
  ? string[]
  : Def extends { readonly options: readonly (infer Option)[] }
    ? MaybePositional<Def, Option>
    : MaybePositional<Def, string>;

/** The type one definition's value has. */
export type FlagValue<Def> = Def extends { readonly type: "boolean" }
  ? Def extends { readonly threeState: true }
    ? boolean | undefined
    : boolean
  : Def extends { readonly type: "count" }
    ? number
    : Def extends { readonly type: "positional" }
      ? PositionalValue<Def>
      : Def extends { readonly repeat: true }
        ? string[]
        : Def extends { readonly type: "string" }
          ? Maybe<Def, string>
          : Def extends { readonly type: "enum"; readonly options: readonly (infer Option)[] }
            ? Maybe<Def, Option>
            : Def extends { readonly optionalValue: true }
              ? Maybe<Def, number> | true
              : Maybe<Def, number>;

export type Flags<Defs extends FlagDefs> = {
  readonly [Key in keyof Defs]: FlagValue<Defs[Key]>;
};

/** Keeps the literal types of definitions that are shared between commands. */
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

/** A positional that must be given. */
export const isRequiredPositional = (def: Positional): boolean =>
  def.required ?? (def.default === undefined && def.repeat !== true);

/** What stands for a flag's value in messages and in the help. */
export function valueName(def: Exclude<FlagDef, Positional>): string {
  const hint = "valueHint" in def ? def.valueHint : undefined;
  if (hint !== undefined) return hint;
  if (def.type === "enum") return def.options.join("|");
  return def.type === "string" ? "text" : "n";
}
