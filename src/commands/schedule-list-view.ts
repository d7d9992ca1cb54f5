// The output of `schedule list`, as text and as data. Pure.
//
// `--json`, one object. Times are ISO 8601 UTC:
//
//   { "version": 1, "at": time, "schedules": [{ "file": as `run` takes it, "pipeline" | null, "state": "scheduled" | "paused" |
//     "refused" | "broken", "reason" | null, "schedule" | null, "db" | null, "next": { "slot", "start" } | null,
//     "last": { "slot", "run", "status", "startedAt", "finishedAt" | null } | null }] }
//
// JSON Schema: .github/schemas/schedules.v1.schema.json.

import { toIso } from "../base/iso-time.ts";
import type { Palette } from "../base/palette.ts";
import { shownPath } from "../base/path.ts";
import { relativeTime } from "../base/relative-time.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { Pause, SlotRun } from "../protocol/served-schedule.ts";
import { machineZone, ruleText } from "../serve/schedule-text.ts";
import { type TableCell, tableLines } from "../terminal/text-table.ts";

export type ListedSchedule = {
  /** As `run` takes it. */
  readonly argument: string;
  /** Null: the file cannot be loaded. */
  readonly name: string | null;
  readonly state:
    | { readonly kind: "broken"; readonly message: string }
    | { readonly kind: "refused"; readonly reason: string }
    | {
        readonly kind: "scheduled";
        readonly rule: ScheduleRule;
        readonly db: string;
        readonly next: { readonly slot: number; readonly start: number } | null;
        /** Of the last slot. */
        readonly last: (SlotRun & { readonly slot: number }) | null;
        readonly paused: Pause | null;
      };
};

const listVersion = 1;

export const listData = (schedules: readonly ListedSchedule[], now: number): object => ({
  version: listVersion,
  at: toIso(now),
  schedules: schedules.map(({ argument, name, state }) => ({
    file: argument,
    pipeline: name,
    ...stateData(state),
  })),
});

function stateData(state: ListedSchedule["state"]): object {
  if (state.kind !== "scheduled") {
    const reason = state.kind === "broken" ? state.message : state.reason;
    return { state: state.kind, reason, schedule: null, db: null, next: null, last: null };
  }
  const { rule, db, next, last, paused } = state;
  return {
    state: paused === null ? "scheduled" : "paused",
    reason: paused === null ? null : pauseText(paused),
    schedule: ruleText(rule, rule.tz ?? machineZone()),
    db,
    next:
      next === null || paused !== null
        ? null
        : { slot: toIso(next.slot), start: toIso(next.start) },
    last:
      last === null
        ? null
        : {
            slot: toIso(last.slot),
            run: last.run,
            status: last.status,
            startedAt: toIso(last.startedAt),
            finishedAt: last.finishedAt === null ? null : toIso(last.finishedAt),
          },
  };
}

const pauseText = ({ failures }: Pause): string =>
  failures === null ? "by a person" : `after ${failures} failed slots in a row`;

type View = { readonly now: number; readonly width: number; readonly colors: Palette };

export function listLines(schedules: readonly ListedSchedule[], view: View): string[] {
  if (schedules.length === 0) return ["no pipeline with a schedule here"];
  const { now, colors } = view;
  const rows = schedules.map(({ argument, name, state }): TableCell[] => {
    const file = shownPath(argument);
    if (state.kind !== "scheduled") {
      const reason = state.kind === "broken" ? state.message : state.reason;
      return [name ?? "", "", { text: state.kind, style: colors.red }, reason, file];
    }
    const { rule, next, last, paused } = state;
    const due =
      paused !== null
        ? { text: `paused ${pauseText(paused)}`, style: colors.yellow }
        : next === null
          ? "never"
          : relativeTime(next.start, now);
    return [name ?? "", ruleText(rule, rule.tz ?? machineZone()), due, lastText(last, now), file];
  });
  const columns = [
    { title: "pipeline", shrinkTo: 8 },
    { title: "schedule", shrinkTo: 12, optional: 2 },
    { title: "next", shrinkTo: 7 },
    { title: "last", shrinkTo: 12 },
    { title: "file", shrinkTo: 12, cut: "middle" as const, optional: 1 },
  ];
  return tableLines({ columns, rows }, view);
}

const lastText = (last: (SlotRun & { readonly slot: number }) | null, now: number): string =>
  last === null ? "none" : `run ${last.run} ${last.status}, ${relativeTime(last.slot, now)}`;
