// What the page has started.

import { hostname } from "node:os";

import { Date } from "../../base/globals.ts";
import { type Asked, NotFound, wholeIn } from "../asked.ts";
import type { Job } from "../actions/job.ts";
import type { JobBrief, JobsView, JobView } from "../contract-actions.ts";
import type { PageDatabase } from "../page-database.ts";

export const jobsView = (database: PageDatabase): JobsView => ({
  jobs: database.jobs.newestFirst.map((job) => jobBrief(database, job)),
});

/** `?from=<offset>` */
export function jobView(database: PageDatabase, { ids, search }: Asked): JobView {
  const job = database.jobs.get(ids[0] ?? 0);
  if (job === undefined) throw new NotFound(`the page has not started a program ${ids[0]}`);
  const from = wholeIn(search, "from") ?? 0;
  // The state first: an end that is seen has all its output.
  const brief = jobBrief(database, job);
  return { job: brief, ...job.outputFrom(from) };
}

export const jobBrief = (database: PageDatabase, job: Job): JobBrief =>
  database.jobs.briefOf(job, ({ pid, startedAt }) => runOfProcess(database, pid, startedAt));

/** A run that was dead and is continued may be an old one, but its start by the page is recent: few runs are looked at. */
function runOfProcess(
  { reader }: PageDatabase,
  pid: number,
  startedAt: number,
): number | undefined {
  const [row] = reader.query(
    `SELECT id FROM (SELECT * FROM pipeline_runs ORDER BY id DESC LIMIT 1000)
      WHERE pid = ? AND host = ? AND (finished_at IS NULL OR finished_at >= ?) ORDER BY id DESC LIMIT 1`,
    [pid, hostname(), new Date(startedAt).toISOString()],
  );
  return row === undefined ? undefined : Number(row["id"]);
}
