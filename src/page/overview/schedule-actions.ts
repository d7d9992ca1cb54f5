// Pauses a schedule, or lets it go on: a `pipeloom schedule` of its own, as a person would type it.

import { dirname } from "node:path";

import { pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { type Asked, NotFound, Refused } from "../asked.ts";
import type { JobBrief } from "../contract-actions.ts";
import { scheduleId } from "./schedules-view.ts";
import type { PageOverview } from "./page-overview.ts";

export const pauseSchedule = (overview: PageOverview, asked: Asked): JobBrief =>
  start(overview, asked, "pause");

export const resumeSchedule = (overview: PageOverview, asked: Asked): JobBrief =>
  start(overview, asked, "resume");

function start(
  { shown }: PageOverview,
  { ids: [id = 0] }: Asked,
  action: "pause" | "resume",
): JobBrief {
  const pipelines = shown.served?.served().pipelines ?? [];
  const [pipeline, other] = pipelines.filter((each) => scheduleId(each) === id);
  if (pipeline === undefined) throw new NotFound("this schedule is not served any more");
  if (other !== undefined) {
    throw new Refused(
      409,
      "two schedules have this address",
      pipeloomCommand("schedule", action, pipeline.argument),
    );
  }
  const { argument, file, name } = pipeline;
  const job = shown.jobs.start({
    title: `${action === "pause" ? "Pause" : "Resume"} the schedule of ${name ?? argument}`,
    words: ["schedule", action, argument],
    cwd: dirname(file),
  });
  return shown.jobs.briefOf(job);
}
