// `pipeloom schedule next|list|pause|resume`: when pipelines are to run. schedule-view.ts, schedule-list-view.ts and schedule-pause.ts
// document the shapes of `--json`.

import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { fileArgument } from "../run-pipeline.ts";
import { nextStarts } from "../serve/schedule-slots.ts";
import { machineZone, seedOf } from "../serve/schedule-text.ts";
import { loadSchedule } from "./load-schedule.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { describeVariable } from "../protocol/page-variables.ts";
import { takeVariable } from "./take-variable.ts";
import { type NextSlots, scheduleData, scheduleLines } from "./schedule-view.ts";

export const command = defineCliCommand({
  meta: {
    name: "schedule",
    details:
      "`next` shows the next times of the pipeline's `schedule`, in its time zone and in that of this machine; `list` shows the schedules of a folder, and how their last times went. While a schedule is paused, serve starts no run of it; times that pass meanwhile are not caught up.",
    examples: [
      { line: "pipeloom schedule next etl.ts", what: "the next five times" },
      { line: "pipeloom schedule list jobs/", what: "all schedules of a folder" },
      { line: "pipeloom schedule pause etl.ts", what: "until pipeloom schedule resume etl.ts" },
    ],
  },
  args: {
    action: {
      type: "positional",
      options: ["next", "list", "pause", "resume"],
      description: "what to do",
    },
    file: {
      type: "positional",
      required: false,
      valueHint: "file",
      description:
        "the pipeline file; file.ts:name for a named export; for list also a folder, by default this one",
    },
    limit: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 1,
      max: 10_000,
      defaultHint: "5",
      description: "next: how many times to show",
    },
    json: { type: "boolean", description: "print one JSON object" },
  },
  async run({ action, file, limit, json }) {
    if (limit !== undefined && action !== "next") {
      throw new UsageError(`-n (--limit) is for schedule next, not for schedule ${action}`);
    }
    if (action === "list") {
      const { listSchedules } = await import("./schedule-list.ts");
      return listSchedules(file ?? ".", json);
    }
    if (file === undefined) {
      throw new UsageError(
        `schedule ${action} needs a file`,
        `e.g. pipeloom schedule ${action} etl.ts`,
      );
    }
    if (action === "next") return showNext(file, limit ?? defaultLimit, json);
    const { changePause } = await import("./schedule-pause.ts");
    return changePause(action === "pause", pipelineFile(file), json);
  },
});

const defaultLimit = 5;

async function showNext(file: string, limit: number, json: boolean): Promise<number> {
  const described = takeVariable(describeVariable);
  if (described !== undefined) {
    const { describeFile } = await import("./describe-file.ts");
    const module = pipelineFile(file);
    const only = module.export === "default" ? undefined : module.export;
    return describeFile(module, described === "named", only);
  }
  const module = pipelineFile(file);
  const { loaded, name, rule } = await loadSchedule(module);
  const { servedRow } = await import("./schedule-pause.ts");
  const row = await servedRow(loaded, name);
  const isPaused = row !== null && row.paused !== null;
  const now = systemClock.wall();
  const from = { now, since: row?.since ?? now, most: limit };
  const slots: NextSlots = {
    pipeline: name,
    schedule: rule,
    now,
    localZone: machineZone(),
    next: nextStarts(rule, seedOf(hostname(), name), from),
    resume: isPaused ? pipeloomCommand("schedule", "resume", fileArgument(module)) : null,
  };
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
}
