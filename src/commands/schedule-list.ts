// `pipeloom schedule list [file or folder]`: the schedules of a folder, when they are due next, and how their last slots went.
// schedule-list-view.ts documents the shape of `--json`.

import { statSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { ConcurrencyLimit } from "../base/concurrency-limit.ts";
import { JSON, Promise } from "../base/globals.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { pathOf } from "../base/path.ts";
import { print } from "../cli/stdout.ts";
import type { ScheduleHistory } from "../protocol/served-schedule.ts";
import type { Named } from "../serve/describe-child.ts";
import { argumentOf, type DescribedPipeline, type FileResult } from "../serve/described.ts";
import { PipelineFolder } from "../serve/pipeline-folder.ts";
import { nextStarts } from "../serve/schedule-slots.ts";
import { scheduleStore } from "../serve/schedule-store.ts";
import { seedOf } from "../serve/schedule-text.ts";
import { describer } from "./describe-files.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { type ListedSchedule, listData, listLines } from "./schedule-list-view.ts";

/** @returns 1 if a file is broken */
export async function listSchedules(target: string, json: boolean): Promise<number> {
  const limit = new ConcurrencyLimit(availableParallelism());
  const describe = describer();
  const now = systemClock.wall();
  const described = await Promise.all(
    filesIn(target).map(async (named) => {
      const { result } = await limit.run(() => describe(named));
      return listedOf(named, result, now);
    }),
  );
  const schedules = described.flat();
  const { isTTY, columns } = process.stdout;
  const view = {
    now,
    width: isTTY ? columns : Number.POSITIVE_INFINITY,
    colors: paletteOf(colorLevel(process.env, isTTY)),
  };
  print(
    json
      ? `${JSON.stringify(listData(schedules, now), null, 2)}\n`
      : `${listLines(schedules, view).join("\n")}\n`,
  );
  return schedules.some(({ state }) => state.kind === "broken") ? 1 : 0;
}

/** @throws UsageError for what is not there */
function filesIn(target: string): Named[] {
  const path = pathOf(target, process.cwd());
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    return new PipelineFolder(path)
      .look()
      .map((file) => ({ file, exportName: null, isNamed: false }));
  }
  const module = pipelineFile(target);
  const exportName = module.export === "default" ? null : module.export;
  return [{ file: module.path, exportName, isNamed: true }];
}

function listedOf({ file, exportName }: Named, result: FileResult, now: number): ListedSchedule[] {
  if (result.kind === "broken") {
    const state = { kind: "broken", message: result.message } as const;
    return [{ argument: argumentOf(file, exportName), name: null, state }];
  }
  return result.pipelines.map((pipeline) => {
    const argument = argumentOf(file, pipeline.exportName);
    return { argument, name: pipeline.name, state: stateOf(pipeline, now) };
  });
}

function stateOf({ name, served }: DescribedPipeline, now: number): ListedSchedule["state"] {
  if (served.kind === "refused") return served;
  const { rule, db } = served;
  const read = scheduleStore.read(db, [name], now);
  if (read.kind === "bad") return { kind: "refused", reason: read.reason };
  const history: ScheduleHistory | undefined =
    read.kind === "ok" ? read.histories.get(name) : undefined;
  const row = history?.row ?? null;
  const from = { now, since: row?.since ?? now, most: 1 };
  const [next = null] = nextStarts(rule, seedOf(hostname(), name), from);
  const last = history?.slots[0] ?? null;
  return { kind: "scheduled", rule, db, next, last, paused: row?.paused ?? null };
}
