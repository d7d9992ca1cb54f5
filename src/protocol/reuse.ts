// Reuse across runs: what a result depends on, beside its code and its input.

import type { PlannedItem } from "./planned-item.ts";
import type { RunId, TaskId } from "./ids.ts";
import type { Code } from "./reruns.ts";
import type { WantsResult } from "./wants-result.ts";

/** A declared file, as it was when the run began. */
export type FilePart = {
  /** As the author wrote it, or as the author's pattern matched it. A pattern itself: no file matches it. */
  readonly path: string;
  /** SHA-256 of the content; null: there is no such file. */
  readonly hash: string | null;
  /** If these are the same, the content is taken for the same. Absent for a folder, and for a file that was just written. */
  readonly stat?: string;
};

/** By name: a keyed hash of the value (base/keyed-hash.ts), since it may be secret; null: not set. */
type HashedValues = Readonly<Record<string, string | null>>;

/** `what`: `code`, `packages`, `version`, `files`, `env` or `params`, with the names of those that differ. */
export type PartsChange = {
  readonly run: RunId;
  readonly what: readonly { readonly part: string; readonly names: readonly string[] }[];
};

/** Stored as JSON in `pipeloom_definitions.parts`. Absent: the definition has none. */
export type DefinitionParts = {
  readonly version?: string;
  readonly files?: readonly FilePart[];
  readonly env?: HashedValues;
  /** Those that the code can read. */
  readonly params?: HashedValues;
  /** The code may read any param: a keyed hash of all. */
  readonly allParams?: string;
  /** What differs from the last run before whose results could have been taken. Absent where nothing does. */
  readonly changed?: PartsChange;
  /** `a@1.2.0 b@0.3.1`: the packages whose code it can reach. Their versions are part of the fingerprint too. */
  readonly packages?: string;
};

/** Definitions of earlier runs with one `alike`: the newest of them. */
export type KnownParts = {
  readonly task: string;
  readonly run: RunId;
  readonly fingerprint: string;
  readonly alike: number;
  readonly parts: DefinitionParts;
};

/** A definition in this session. */
export type TaskParts = {
  readonly task: string;
  readonly parts: DefinitionParts;
  /**
   * Equal in all runs of the pipeline whose results may be taken for one another, apart from the input. Null: none may, because
   * the definition does not say so, or its code is not known.
   */
  readonly alike: number | null;
};

/** The code of a session, by the names of the definitions in the file. */
export type SessionCode = { readonly code: Code; readonly parts: readonly TaskParts[] };

/** Main asks whether an earlier run has a result for a task that has not begun. */
export type ReuseAsk = PlannedItem & {
  readonly id: TaskId;
  readonly name: string;
  readonly key: string;
  readonly wantsResult: WantsResult;
};

/** An earlier execution of a task. */
export type Execution = { readonly run: RunId; readonly task: TaskId };

/** What the tasks of one definition have written in one run. JSON in `pipeloom_definitions.tables`. */
export type LeftTables = {
  /** By table: `pipeloom_tables.epoch` after their last write. */
  readonly epochs: Readonly<Record<string, number>>;
  /** Why none of their results must be taken. */
  readonly never?: string;
};
