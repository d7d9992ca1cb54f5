// `logs`: how much of a task's log the database keeps.

import { shownValue } from "../base/describe-value.ts";
import { assertKnown } from "./known-options.ts";
import { isAbsent, option } from "./option.ts";

export type LogOptions = {
  /**
   * How many lines of one attempt are stored; later ones only go to the screen, to the log file (`-l`) and to `--json`. The
   * log says where it was cut, and how many lines are missing. `Infinity`: all. Default 10,000.
   */
  readonly maxLines?: number;
};

export const defaultMaxLines = 10_000;

const isObject = (value: unknown): boolean => typeof value === "object";

/**
 * `logs.maxLines`; undefined if it is not set.
 * @throws TypeError or RangeError for a wrong option
 */
export function maxLogLines(logs: LogOptions | undefined, what: string): number | undefined {
  const options = option(logs, `${what}: logs`, "an object, e.g. { maxLines: 1000 }", isObject);
  assertKnown(options ?? {}, ["maxLines"], `${what}: logs`);
  const maxLines = options?.maxLines;
  if (isAbsent(maxLines)) return undefined;
  if (maxLines >= 1 && (Number.isSafeInteger(maxLines) || maxLines === Number.POSITIVE_INFINITY)) {
    return maxLines;
  }
  throw new RangeError(
    `${what}: logs.maxLines must be an integer of at least 1, or Infinity, not ${shownValue(maxLines)}`,
  );
}
