// The output of `schedule next`, as text and as data. Pure.
//
// `--json`, one object. Times are ISO 8601 UTC:
//
//   { "version": 1, "at": time, "pipeline", "cron" | "everyMs", "tz", "jitterMs", "paused": boolean,
//     "next": [{ "slot": time, "start": time }] }       start: with the jitter of this machine
//
// JSON Schema: .github/schemas/schedule.v1.schema.json.

import { toIso } from "../base/iso-time.ts";
import type { Palette } from "../base/palette.ts";
import { relativeTime } from "../base/relative-time.ts";
import { visible } from "../base/text.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import { ruleText, zoneTime } from "../serve/schedule-text.ts";
import { tableLines } from "../terminal/text-table.ts";

export type NextSlots = {
  readonly pipeline: string;
  readonly schedule: ScheduleRule;
  readonly now: number;
  /** The reader's time zone. */
  readonly localZone: string;
  readonly next: readonly { readonly slot: number; readonly start: number }[];
  /** The command that lets it go on: it is paused. */
  readonly resume: string | null;
};

const scheduleVersion = 1;

export const scheduleData = (slots: NextSlots): object => {
  const { pipeline, schedule, now, localZone, next, resume } = slots;
  const { when, tz, jitterMs } = schedule;
  return {
    version: scheduleVersion,
    at: toIso(now),
    pipeline,
    ...(when.kind === "cron" ? { cron: when.cron } : { everyMs: when.everyMs }),
    tz: tz ?? localZone,
    jitterMs,
    paused: resume !== null,
    next: next.map(({ slot, start }) => ({ slot: toIso(slot), start: toIso(start) })),
  };
};

type View = { readonly width: number; readonly colors: Palette };

export function scheduleLines(slots: NextSlots, view: View): string[] {
  const { pipeline, schedule, now, localZone, next, resume } = slots;
  const tz = schedule.tz ?? localZone;
  const paused = resume === null ? [] : [`paused: none of these runs before ${resume}`];
  const head = [`${visible(pipeline)}: ${ruleText(schedule, tz)}`, ...paused];
  if (next.length === 0) return [...head, "", "no slot in the next years"];
  const columns = [
    { column: { title: tz }, cell: zoneTime(tz) },
    ...(tz === localZone
      ? []
      : [{ column: { title: `local (${localZone})`, optional: 2 }, cell: zoneTime(localZone) }]),
  ];
  const hasJitter = schedule.jitterMs > 0;
  const start = zoneTime(localZone);
  const rows = next.map((each) => [
    ...columns.map(({ cell }) => cell(each.slot)),
    ...(hasJitter ? [start(each.start)] : []),
    relativeTime(each.start, now),
  ]);
  const shown = [
    ...columns.map(({ column }) => column),
    ...(hasJitter ? [{ title: "starts here", optional: 1 }] : []),
    { title: "" },
  ];
  return [...head, "", ...tableLines({ columns: shown, rows }, view)];
}
