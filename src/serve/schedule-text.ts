// A schedule and its times as text. Pure.

import { exactDuration } from "../base/format-duration.ts";
import { visible } from "../base/text.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";

/** `cron 30 2 * * * in Europe/Berlin, up to 10 min later` */
export function ruleText({ when, jitterMs }: ScheduleRule, tz: string): string {
  const jitter = jitterMs === 0 ? "" : `, up to ${exactDuration(jitterMs)} later`;
  return when.kind === "cron"
    ? `cron ${visible(when.cron)} in ${tz}${jitter}`
    : `every ${exactDuration(when.everyMs)}${jitter}`;
}

export const machineZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `Sun 2026-11-01 01:30:00 -04:00`: without the offset, the two hours of a clock that goes back would look the same. */
export function zoneTime(tz: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: tz,
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
    const day = `${of("weekday")} ${of("year")}-${of("month")}-${of("day")}`;
    const offset = of("timeZoneName").replace("GMT", "");
    return `${day} ${of("hour")}:${of("minute")}:${of("second")} ${offset === "" ? "+00:00" : offset}`;
  };
}

/** Of the jitter: pipelines of one time, and machines that serve one file, start at different times. */
export const seedOf = (host: string, pipeline: string): string => `${host} ${pipeline}`;
