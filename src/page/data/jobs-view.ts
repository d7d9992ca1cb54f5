// What the page has started.

import { type Asked, NotFound, wholeIn } from "../asked.ts";
import type { Job } from "../actions/job.ts";
import type { JobBrief, JobsView, JobView } from "../contract-actions.ts";
import type { Shown } from "../overview/shown.ts";

export const jobsView = ({ jobs }: Shown): JobsView => ({
  jobs: jobs.newestFirst.map((job) => jobs.briefOf(job)),
});

/** `?from=<offset>` */
export function jobView(shown: Shown, { ids, search }: Asked): JobView {
  const job = jobOf(shown, ids[0] ?? 0);
  const from = wholeIn(search, "from") ?? 0;
  // The state first: an end that is seen has all its output.
  const brief = shown.jobs.briefOf(job);
  return { job: brief, ...job.outputFrom(from) };
}

/** As Ctrl-C in a terminal: the first one lets a run end in order, the second one ends it now. */
export function interruptJob(shown: Shown, { ids }: Asked): JobBrief {
  const job = jobOf(shown, ids[0] ?? 0);
  job.interrupt();
  return shown.jobs.briefOf(job);
}

function jobOf({ jobs }: Shown, id: number): Job {
  const job = jobs.get(id);
  if (job === undefined) throw new NotFound(`the page has not started a program ${id}`);
  return job;
}
