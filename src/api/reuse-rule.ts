// `reuse` of a task: a later run takes its result instead of running it, as long as nothing that it depends on has changed.

import { shownValue } from "../base/describe-value.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";
import { isAbsent, isListOf, isName, isText, option } from "./option.ts";

export type ReuseOptions = {
  /**
   * The result of an earlier run is taken instead of running the task, if its code, its input, the params that it reads, and
   * what `files`, `env` and `version` name are the same. A duration, e.g. "7d": only a result that ended since then. Rows that
   * the task has written stay as they are; where another task or program has written to their table since, the task runs.
   * Default false.
   */
  readonly reuse?: boolean | Duration;
  /**
   * With `reuse`: files, folders and patterns (`data/*.csv`, `data/**\/*.csv`) that the task reads. The content of each file counts,
   * and that it is there. Relative to the pipeline file. If one changes before an interrupted run goes on, the task runs again.
   */
  readonly files?: readonly string[];
  /** With `reuse`: environment variables that the task reads. Only keyed hashes of their values are stored. */
  readonly env?: readonly string[];
  /** With `reuse`: any text. Another one makes the task run again, e.g. when a table that it asks elsewhere was rebuilt. */
  readonly version?: string;
};

export type ReuseRule = {
  /** Null: a result of any age. */
  readonly maxAgeMs: number | null;
  readonly files: readonly string[];
  readonly env: readonly string[];
  readonly version: string | undefined;
  /** Of a program: the values of its `env`. */
  readonly programEnv: Readonly<Record<string, string>>;
};

const maxAgeMs = 100 * 365 * 86_400_000;

/**
 * Undefined: the task always runs.
 * @throws TypeError or RangeError for a wrong option
 */
export function reuseRule(
  options: ReuseOptions,
  programEnv: ReuseRule["programEnv"],
  what: string,
): ReuseRule | undefined {
  const { reuse } = options;
  const files = option(options.files, `${what}: files`, "a list of paths", isListOf(isName)) ?? [];
  const env = option(options.env, `${what}: env`, "a list of names", isListOf(isName)) ?? [];
  const version = option(options.version, `${what}: version`, "text", isText);
  if (isAbsent(reuse)) {
    const [name] = (["files", "env", "version"] as const).filter(
      (each) => !isAbsent(options[each]),
    );
    if (name === undefined) return undefined;
    throw new TypeError(
      `${what}: \`${name}\` says what a result depends on that a later run may take; it goes with \`reuse: true\``,
    );
  }
  if (reuse === false) return undefined;
  const age = reuse === true ? null : ageOf(reuse, what);
  return { maxAgeMs: age, files: [...files], env: [...env], version, programEnv };
}

function ageOf(reuse: Duration, what: string): number {
  if (typeof reuse !== "string" && typeof reuse !== "number") {
    throw new TypeError(
      `${what}: \`reuse\` must be true, false or a duration like "7d", not ${shownValue(reuse)}`,
    );
  }
  const ms = durationMs(reuse, `${what}: reuse`, maxAgeMs);
  if (ms === 0) throw new RangeError(`${what}: reuse must be above 0; false turns it off`);
  return ms;
}
