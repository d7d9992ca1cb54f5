// `schedule`: when a pipeline is to run. Checked here, because a wrong schedule would be noticed by the run that is missing.

import { shownValue } from "../base/describe-value.ts";
import { Date } from "../base/globals.ts";
import { isObject } from "../base/json.ts";
import { type Duration, durationMs } from "../base/parse-duration.ts";
import {
  type CatchUp,
  catchUps,
  type Overlap,
  overlaps,
  type ScheduleRule,
} from "../protocol/schedule-rule.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import { isAbsent, isText, option } from "./option.ts";

/** Either `cron` or `every`. The times are called slots: `pipeloom schedule next <file>` shows the next ones. */
export type ScheduleOptions = {
  /**
   * Minute, hour, day of the month, month, day of the week: `"30 2 * * MON-FRI"`; or `@hourly`, `@daily`, `@weekly`,
   * `@monthly`, `@yearly`. When clocks go forward, a time that is left out comes as much later; when they go back, a fixed time
   * comes once, and `*` as minute or hour goes on through both hours. Two days (of the month and of the week): either of them.
   */
  readonly cron?: string;
  /** At the multiples of this duration since 1970-01-01 00:00 UTC, e.g. "15m". From 1 s to 365 days. */
  readonly every?: Duration;
  /** The time zone of `cron`, e.g. "Europe/Berlin". Default: that of the machine. */
  readonly tz?: string;
  /**
   * Start up to this long after the slot, never later than the slot after it: pipelines of one time do not all start at once.
   * How long depends on the pipeline's name, the machine and the slot, and is the same each time. At most 1 day. Default: 0.
   */
  readonly jitter?: Duration;
  /**
   * What becomes of slots that were missed, while nothing served the file or the machine slept. `"latest"`, the default: the last
   * one runs. `"all"`: each runs, the oldest first. `"none"`: none, only slots that are at most a minute late.
   */
  readonly catchUp?: CatchUp;
  /** An older slot is not caught up, and an interrupted run of one is not continued. At most 365 days. Default: "24h". */
  readonly window?: Duration;
  /**
   * What becomes of a slot while the run of an earlier one goes on. `"skip"`, the default: it does not run. `"queue"`: it runs after
   * it; of several that wait, those that `catchUp` says. `"cancel"`: it runs, and the earlier run is ended. `"allow"`: both run.
   * A run that a person or a backfill has begun takes no slot away and is not ended: the slot runs after it; with "allow", beside it.
   */
  readonly overlap?: Overlap;
  /** A slot that has not begun so long after its time is late: the log, the page and the webhook say so. At most 1 day. Default: "15m". */
  readonly startWithin?: Duration;
  /** So many failed slots in a row pause the schedule, until `pipeloom schedule resume`. Default: none do. */
  readonly pauseAfter?: number;
};

const names = namesOf<ScheduleOptions>({
  cron: true,
  every: true,
  tz: true,
  jitter: true,
  catchUp: true,
  window: true,
  overlap: true,
  startWithin: true,
  pauseAfter: true,
});

const dayMs = 86_400_000;
const example = 'e.g. { cron: "30 2 * * *", tz: "Europe/Berlin" } or { every: "15m" }';

/**
 * The checked schedule; null if there is none.
 * @throws TypeError or RangeError for a wrong option
 */
export function scheduleRule(
  schedule: ScheduleOptions | undefined,
  what: string,
): ScheduleRule | null {
  const name = `${what}: schedule`;
  const options = option(schedule, name, `an object, ${example}`, isObject);
  if (options === undefined) return null;
  assertKnown(options, names, name);
  const { cron, every } = options;
  if (isAbsent(cron) === isAbsent(every)) {
    throw new TypeError(`${name} needs either \`cron\` or \`every\`, ${example}`);
  }
  const tz = zone(options.tz, name);
  const when: ScheduleRule["when"] = isAbsent(cron)
    ? { kind: "every", everyMs: interval(every, name) }
    : { kind: "cron", cron: cronText(cron, tz, `${name}.cron`) };
  return { when, tz, ...policy(options, name) };
}

const defaults = { windowMs: dayMs, startWithinMs: 900_000 };

function policy(options: ScheduleOptions, name: string): Omit<ScheduleRule, "when" | "tz"> {
  const { jitter, catchUp, window, overlap, startWithin, pauseAfter } = options;
  const time = (
    value: Duration | undefined,
    member: string,
    absent: number,
    most = dayMs,
  ): number => (isAbsent(value) ? absent : durationMs(value, `${name}.${member}`, most));
  const count = "a whole number of at least 1";
  return {
    jitterMs: time(jitter, "jitter", 0),
    catchUp: option(catchUp, `${name}.catchUp`, listed(catchUps), isOneOf(catchUps)) ?? "latest",
    windowMs: time(window, "window", defaults.windowMs, 365 * dayMs),
    overlap: option(overlap, `${name}.overlap`, listed(overlaps), isOneOf(overlaps)) ?? "skip",
    startWithinMs: time(startWithin, "startWithin", defaults.startWithinMs),
    pauseAfter: option(pauseAfter, `${name}.pauseAfter`, count, isCount) ?? null,
  };
}

const isOneOf =
  (known: readonly unknown[]) =>
  (value: unknown): boolean =>
    known.includes(value);

/** `"latest", "all" or "none"` */
function listed(known: readonly string[]): string {
  const quoted = known.map((word) => `"${word}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;

function interval(every: Duration | undefined, name: string): number {
  const everyMs = durationMs(every ?? "", `${name}.every`, 365 * dayMs);
  if (everyMs >= 1000 && Number.isSafeInteger(everyMs)) return everyMs;
  throw new RangeError(
    `${name}.every must be at least 1 s, and whole milliseconds, not ${shownValue(every)}`,
  );
}

function zone(tz: string | undefined, name: string): string | null {
  if (isAbsent(tz)) return null;
  if (isText(tz) && isZone(tz)) return tz;
  throw new RangeError(
    `${name}.tz must be the name of a time zone, e.g. "Europe/Berlin" or "UTC", not ${shownValue(tz)}`,
  );
}

function isZone(tz: string): boolean {
  try {
    Bun.cron.parse("* * * * *", 0, { tz });
    return true;
  } catch {
    return false;
  }
}

const fields = ["minute", "hour", "day of the month", "month", "day of the week"] as const;
const fieldExamples = [
  "0, */15 or 0,30",
  "2, */6 or 9-17",
  "1, 1,15 or *",
  "*, 1-6 or JAN,JUL",
  "*, 1-5 or MON-FRI",
];

/** @throws TypeError that says which field is wrong */
function cronText(cron: string, tz: string | null, name: string): string {
  if (!isText(cron)) {
    throw new TypeError(`${name} must be text, e.g. "30 2 * * *", not ${shownValue(cron)}`);
  }
  // Fields of a crontab are often apart by tabs, which the parser does not know.
  const text = cron.trim().replaceAll(/\s+/g, " ");
  const first = firstOf(text, tz);
  const shown = shownValue(cron);
  if (first instanceof Date) {
    const mistake = longStep(text);
    if (mistake === undefined) return text;
    throw new RangeError(`${name} ${shown} ${mistake}`);
  }
  if (first === null) throw new RangeError(`${name} ${shown} never comes: there is no such date`);
  throw new TypeError(`${name} ${shown} ${cronMistake(text)}`);
}

/** The first time since 1970. Null: never. Undefined: it cannot be read. */
function firstOf(cron: string, tz: string | null): Date | null | undefined {
  try {
    return Bun.cron.parse(cron, 0, tz === null ? undefined : { tz });
  } catch {
    return undefined;
  }
}

/** Of the fields that have a step: how many values they have, and their unit in `every`. */
const steps = [
  [60, "m", "hour"],
  [24, "h", "day"],
  [31, "d", "month"],
] as const;

/** Cron begins again with each hour, day and month, so that a step of 90 minutes is one of an hour. Undefined: there is none. */
function longStep(text: string): string | undefined {
  const parts = text.split(" ");
  for (const [i, [count, unit, period]] of steps.entries()) {
    const step = Math.max(
      ...(parts[i] ?? "").split(",").map((part) => Number(part.split("/")[1] ?? 0)),
    );
    if (step <= count) continue;
    return `has a step of ${step} in the ${fields[i]}, which has ${count} values: it would begin again with each ${period}; use every, e.g. schedule: { every: "${step}${unit}" }`;
  }
  return undefined;
}

function cronMistake(text: string): string {
  if (/^(?:CRON_)?TZ=/.test(text))
    return 'has its time zone in it; use tz, e.g. { cron: "0 2 * * *", tz: "Europe/Berlin" }';
  if (/^@every\b/i.test(text))
    return 'is not known here; use every, e.g. schedule: { every: "15m" }';
  if (text.startsWith("@")) {
    return "is not known; known are @hourly, @daily, @weekly, @monthly and @yearly";
  }
  const parts = text.split(/\s+/).filter((part) => part !== "");
  if (parts.length === fields.length + 1) {
    return 'has 6 fields, and cron has 5: it has no seconds; use every, e.g. schedule: { every: "30s" }';
  }
  if (parts.length !== fields.length) {
    const count = parts.length === 1 ? "1 field" : `${parts.length} fields`;
    return `has ${count}, and cron has 5: ${fields.join(", ")}; e.g. "30 2 * * *" for 02:30 each day`;
  }
  const wrong = parts.findIndex(
    (part, index) =>
      firstOf(fields.map((_, i) => (i === index ? part : "*")).join(" "), null) === undefined,
  );
  const field = Math.max(0, wrong);
  return `has a wrong ${fields[field]}, ${shownValue(parts[field])}: it may be ${fieldExamples[field]}`;
}
