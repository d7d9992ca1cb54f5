// `pipeloom schedule next <file>[:export]`: when the pipeline is to run. schedule-view.ts documents the shape of `--json`.

import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import { slotAfter, startOf } from "../serve/schedule-slots.ts";
import { loadForCommand, nameOf, withPrintsOnStderr } from "./load-for-command.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { enterPipelineFolder } from "./pipeline-folder.ts";
import { type NextSlots, scheduleData, scheduleLines } from "./schedule-view.ts";

export const command = defineCliCommand({
  meta: {
    name: "schedule",
    details:
      "Shows the next times of the pipeline's `schedule`, in its time zone and in that of this machine.",
    examples: [
      { line: "pipeloom schedule next etl.ts", what: "the next five times" },
      { line: "pipeloom schedule next etl.ts -n 1 --json", what: "the next one, for a program" },
    ],
  },
  args: {
    action: { type: "positional", options: ["next"], description: "what to do" },
    file: {
      type: "positional",
      required: true,
      valueHint: "file",
      description: "the pipeline file; file.ts:name for a named export",
    },
    limit: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 1,
      max: 10_000,
      default: "5",
      description: "how many times to show",
    },
    json: { type: "boolean", description: "print one JSON object" },
  },
  async run({ file, limit, json }) {
    const module = enterPipelineFolder(pipelineFile(file));
    const { pipeline } = await withPrintsOnStderr(() => loadForCommand(module));
    const { schedule, name } = pipeline;
    if (schedule === null) {
      throw new UserError(
        `${nameOf(module)}: pipeline "${name}" has no schedule; add one, e.g. schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" }`,
      );
    }
    const slots = nextSlots(name, schedule, limit);
    if (json) {
      print(`${JSON.stringify(scheduleData(slots), null, 2)}\n`);
      return 0;
    }
    const { isTTY, columns } = process.stdout;
    const lines = scheduleLines(slots, {
      width: isTTY ? columns : Number.POSITIVE_INFINITY,
      colors: paletteOf(colorLevel(process.env, isTTY)),
    });
    print(`${lines.join("\n")}\n`);
    return 0;
  },
});

function nextSlots(pipeline: string, schedule: ScheduleRule, limit: number): NextSlots {
  const now = systemClock.wall();
  const seed = `${hostname()} ${pipeline}`;
  const next: { slot: number; start: number }[] = [];
  let slot = slotAfter(schedule, now);
  for (; slot !== null && next.length < limit; slot = slotAfter(schedule, slot)) {
    next.push({ slot, start: startOf(schedule, slot, seed) });
  }
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { pipeline, schedule, now, localZone: timeZone, next };
}
