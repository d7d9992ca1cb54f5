// What completion offers, and what it is asked for.

import type { FlagDef, FlagDefs } from "../flag-defs.ts";
import type { Typed } from "./typed.ts";

export type Candidate = { readonly text: string; readonly what: string };

/** Shells complete files themselves: they know quoting, `~` and folders. Extensions without a dot; none means any. */
export type Answer =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | {
      readonly kind: "files";
      readonly extensions: readonly string[];
      readonly candidates: readonly Candidate[];
    }
  | { readonly kind: "folders" };

/** Complete the value of `def`, after the words of `typed`; `current` is its beginning. */
type Asked = {
  readonly def: FlagDef;
  readonly typed: Typed;
  readonly args: FlagDefs;
  readonly current: string;
};

/** Candidates that are not in the definitions, by `valueHint`: files, or the runs of a database. */
export type Sources = Readonly<Record<string, (asked: Asked) => Answer | Promise<Answer>>>;
