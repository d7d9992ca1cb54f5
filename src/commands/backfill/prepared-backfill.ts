// What a backfill begins with: the slots of its range, and what the database says of each.

import { systemClock } from "../../base/clock.ts";
import { toIso } from "../../base/iso-time.ts";
import { sayOnStderr } from "../../cli/stderr.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { UserError } from "../../cli/user-error.ts";
import { Mask } from "../../protocol/mask.ts";
import { chooseDatabase, type LoadedPipeline } from "../../run-pipeline.ts";
import { nameOf } from "../load-for-command.ts";
import { checkLogTarget } from "../log-target.ts";
import { asUserError } from "../waiting-reader.ts";
import type { BackfillFlags } from "./backfill-flags.ts";
import { actionFor, type Asked, askedOf, type PlannedSlot } from "./backfill-plan.ts";
import type { Backfill } from "./backfill-text.ts";
import { SlotDatabase } from "./slot-database.ts";
import { rangeOf, slotsIn } from "./slot-range.ts";

export type PreparedBackfill = {
  readonly about: Backfill;
  readonly asked: Asked;
  /** In the order of their runs. */
  readonly slots: readonly PlannedSlot[];
  readonly database: SlotDatabase;
  readonly mask: Mask | undefined;
};

/** @throws UsageError, UserError */
export async function prepareBackfill(
  flags: BackfillFlags,
  loaded: LoadedPipeline,
): Promise<PreparedBackfill> {
  const { pipeline, module, from } = loaded;
  const { schedule } = pipeline;
  if (schedule === null) {
    throw new UserError(
      `${nameOf(module)}: pipeline "${pipeline.name}" has no schedule, so it has no slots`,
      'add one, e.g. schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" }; or run it once: pipeloom run',
    );
  }
  const mask = Mask.of(pipeline.secrets, process.env);
  const { path, notice } = await chooseDatabase(loaded, flags.db);
  if (path === ":memory:") {
    throw new UsageError(
      "a backfill needs a database that keeps its runs, and :memory: keeps none",
    );
  }
  checkLogTarget(flags.logFile, module, path, from);
  if (notice !== undefined) sayOnStderr(`warning: ${notice}\n`);
  const tz = schedule.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const range = rangeOf(flags, tz, systemClock.wall());
  if (range.isCut)
    sayOnStderr(`--to ${flags.to} is after now: the slots that come are left to the schedule\n`);
  const name = mask?.text(pipeline.name) ?? pipeline.name;
  const database = new SlotDatabase(path, name);
  const asked = askedOf(flags.rerun, flags);
  const slots = plannedSlots(slotsIn(schedule, range, tz), database, asked);
  const about = { pipeline: name, file: nameOf(module), db: path, tz, ...range };
  return {
    about,
    asked,
    database,
    mask,
    slots: flags.reverse ? slots.toReversed() : slots,
  };
}

function plannedSlots(
  slots: readonly number[],
  database: SlotDatabase,
  asked: Asked,
): PlannedSlot[] {
  const [first] = slots;
  const last = slots.at(-1);
  if (first === undefined || last === undefined) return [];
  const runs = runsIn(database, first, last);
  return slots.map((slot) => {
    const found = runs.get(toIso(slot)) ?? null;
    return { slot, found, action: actionFor(found, asked) };
  });
}

function runsIn(
  database: SlotDatabase,
  first: number,
  last: number,
): ReturnType<SlotDatabase["runs"]> {
  try {
    return database.runs(first, last);
  } catch (thrown) {
    throw asUserError(thrown);
  }
}
