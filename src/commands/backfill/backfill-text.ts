// What `backfill` prints, as text and as data. Pure.
//
// `--json` prints one object a line. Times are ISO 8601 UTC:
//
//   {"type":"backfill-started","version":1,"at":time,"pipeline","file","db","from":time,"to":time,"slots":30,"toRun":27}
//   {"type":"slot-started","slot":time,"at":time}
//   {"type":"slot-finished","slot":time,"at":time,"status":"done|failed|stopped|elsewhere","run":12,"why","command"}
//   {"type":"backfill-finished","at":time,"status":"done|failed|stopped","done":29,"failed":1,"stopped":0,"elsewhere":0,"left":0}
//
// `slots` are those of the range, and `done` counts those that were done before too. `why` and `command`, which goes on with the slot,
// are there unless it is done. A slot that has failed before and is left is a `slot-finished` without a `slot-started`.
//
// `--dry-run --json`, one object:
//
//   {"version":1,"at":time,"pipeline","file","db","from":time,"to":time,
//    "slots":[{"slot":time,"state":"none|done|failed|stopped|running","run":12|null,"action":"run|continue|rerun|wait|none"}]}
//
// JSON Schema: .github/schemas/backfill.v1.schema.json.

import { duration } from "../../base/format-duration.ts";
import { toIso } from "../../base/iso-time.ts";
import type { Palette } from "../../base/palette.ts";
import { grouped, plural, relative, visible } from "../../base/text.ts";
import { assertNever } from "../../base/unreachable.ts";
import { slotName } from "../../serve/zoned-time.ts";
import { type TableCell, tableLines } from "../../terminal/text-table.ts";
import type { PlannedSlot } from "./backfill-plan.ts";
import type { UnfinishedEnd } from "./backfill-run.ts";

export const backfillVersion = 1;

export type Backfill = {
  readonly pipeline: string;
  readonly file: string;
  readonly db: string;
  /** Of the schedule, or of this machine. */
  readonly tz: string;
  /** Both included, epoch ms. */
  readonly first: number;
  readonly last: number;
};

export type BackfillCounts = {
  done: number;
  failed: number;
  stopped: number;
  elsewhere: number;
  left: number;
};

export const backfillStatus = (
  { failed, stopped, elsewhere, left }: BackfillCounts,
  isStopped: boolean,
): "done" | "failed" | "stopped" => {
  if (isStopped) return "stopped";
  return failed + stopped + elsewhere + left === 0 ? "done" : "failed";
};

export const backfillData = ({ pipeline, file, db, first, last }: Backfill): object => ({
  pipeline,
  file,
  db,
  from: toIso(first),
  to: toIso(last),
});

export const planData = (about: Backfill, at: number, slots: readonly PlannedSlot[]): object => ({
  version: backfillVersion,
  at: toIso(at),
  ...backfillData(about),
  slots: slots.map(({ slot, found, action }) => ({
    slot: toIso(slot),
    state: found?.state ?? "none",
    run: found?.run ?? null,
    action,
  })),
});

/** `posts: 27 of 30 slots to run, 2026-11-01 02:30 … 2026-11-30 02:30 (Europe/Berlin) → posts.db` */
export function headLine(about: Backfill, slots: readonly PlannedSlot[], cwd: string): string {
  const { pipeline, tz, db } = about;
  const toRun = slots.filter(({ action }) => action !== "none").length;
  const [first = wholeSecond(about.first)] = slots.map(({ slot }) => slot);
  const last = slots.at(-1)?.slot ?? wholeSecond(about.last);
  const span = [...new Set([first, last])].map((at) => slotName(at, tz)).join(" … ");
  const count =
    toRun === slots.length
      ? `${plural(slots.length, "slot")} to run`
      : `${grouped(toRun)} of ${plural(slots.length, "slot")} to run`;
  return `${visible(pipeline)}: ${count}, ${span} (${tz}) → ${visible(relative(db, cwd))}`;
}

export function noSlotLine({ pipeline, tz, first, last }: Backfill): string {
  const [from, to] = [first, last].map((at) => slotName(wholeSecond(at), tz));
  return `the schedule of "${visible(pipeline)}" has no slot from ${from} to ${to} (${tz}): nothing to run`;
}

/** A day ends a millisecond before the next one, and `now` is one of any. */
const wholeSecond = (at: number): number => Math.floor(at / 1000) * 1000;

type View = { readonly width: number; readonly colors: Palette };

export function planLines(about: Backfill, slots: readonly PlannedSlot[], view: View): string[] {
  const columns = [about.tz, "run", "state", "backfill"].map((title) => ({ title }));
  const rows = slots.map(({ slot, found, action }): TableCell[] => [
    slotName(slot, about.tz),
    found === null ? "" : String(found.run),
    stateCell(found?.state ?? "none", view.colors),
    actionText({ slot, found, action }),
  ]);
  return tableLines({ columns, rows }, view);
}

type State = NonNullable<PlannedSlot["found"]>["state"] | "none";

function stateCell(state: State, colors: Palette): TableCell {
  switch (state) {
    case "none":
      return "not run";
    case "done":
      return { text: state, style: colors.green };
    case "failed":
      return { text: state, style: colors.red };
    case "stopped":
      return { text: state, style: colors.yellow };
    case "running":
      return { text: state, style: colors.cyan };
    default:
      return assertNever(state);
  }
}

function actionText({ found, action }: PlannedSlot): string {
  switch (action) {
    case "run":
      return "runs";
    case "continue":
      return "goes on";
    case "rerun":
      return "runs tasks again";
    case "wait":
      return "waits for its end";
    case "none":
      return found?.state === "failed" ? "left: --rerun failed" : "";
    default:
      return assertNever(action);
  }
}

/** A slot that is not done at the end. */
export type Unfinished = {
  readonly slot: number;
  readonly end: UnfinishedEnd;
  /** Goes on with it. */
  readonly command: string;
};

export const whyOf = (end: UnfinishedEnd): string =>
  end.status === "elsewhere" ? `run ${end.run ?? "of another process"} goes on elsewhere` : end.why;

type BackfillEnd = {
  readonly counts: BackfillCounts;
  readonly status: "done" | "failed" | "stopped";
  readonly tookMs: number;
  /** The first of them. */
  readonly unfinished: readonly Unfinished[];
  /** The command that goes on with all that is left; undefined where nothing is. */
  readonly again: string | undefined;
};

export function endLines(
  about: Backfill,
  { counts, status, tookMs, unfinished, again }: BackfillEnd,
  { colors }: Pick<View, "colors">,
): string[] {
  const sum = counts.done + counts.failed + counts.stopped + counts.elsewhere + counts.left;
  const parts = [
    `${grouped(counts.done)} of ${plural(sum, "slot")} done`,
    ...(counts.failed > 0 ? [colors.red(`${grouped(counts.failed)} failed`)] : []),
    ...(counts.stopped > 0 ? [colors.yellow(`${grouped(counts.stopped)} stopped`)] : []),
    ...(counts.elsewhere > 0 ? [`${grouped(counts.elsewhere)} running elsewhere`] : []),
    ...(counts.left > 0 ? [`${grouped(counts.left)} not started`] : []),
  ];
  const icon = {
    done: colors.green("✔"),
    failed: colors.red("✖"),
    stopped: colors.yellow("■"),
  }[status];
  const head = `${icon} ${colors.bold(visible(about.pipeline))}: ${parts.join(", ")} in ${duration(tookMs)}`;
  const more = counts.failed + counts.stopped + counts.elsewhere - unfinished.length;
  return [
    head,
    ...unfinished.flatMap(({ slot, end, command }) => [
      `  ${slotName(slot, about.tz)}  ${visible(whyOf(end))}`,
      `    ${colors.cyan(command)}`,
    ]),
    ...(more > 0 ? [`  … and ${grouped(more)} more: --json and --dry-run list all`] : []),
    ...(again === undefined ? [] : ["", `to go on: ${colors.cyan(again)}`]),
  ];
}
