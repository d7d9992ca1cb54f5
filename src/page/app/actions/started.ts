// The programs that the page has started: which there are, and which one is looked at.

import { effect, signal } from "@preact/signals";

import type { JobBrief, JobsView } from "../../contract-actions.ts";
import { changed } from "../live.ts";
import { get, isReport } from "../source.ts";

/** Newest first. */
export const jobs = signal<readonly JobBrief[]>([]);

/** Whose output is shown. */
export const openJob = signal<number | null>(null);

/** While one of them runs. */
const lookEveryMs = 1_000;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Now, and again as long as one of them runs: also those that another tab has started. */
export async function loadJobs(): Promise<void> {
  clearTimeout(timer);
  try {
    jobs.value = (await get<JobsView>("/data/jobs")).jobs;
  } catch {
    // The views say that the server does not answer.
  }
  clearTimeout(timer);
  if (runningJobs() > 0) timer = setTimeout(() => void loadJobs(), lookEveryMs);
}

export const runningJobs = (): number => jobs.value.filter(({ ended }) => ended === null).length;

/** A program has been started: its output is shown. */
export function showJob(job: JobBrief): void {
  jobs.value = [job, ...jobs.value.filter(({ id }) => id !== job.id)];
  openJob.value = job.id;
  void loadJobs();
}

/** The newest state of a program, told by its output. */
export function noteJob(job: JobBrief): void {
  jobs.value = jobs.value.map((known) => (known.id === job.id ? job : known));
}

/** Runs of a page that this tab has asked about: another tab may have started them, or another page. */
const asked = new Set<number>();

effect(() => {
  const news = [...changed.value.values()].filter(
    ({ id, trigger, status }) => trigger === "page" && status === "running" && !asked.has(id),
  );
  for (const { id } of news) asked.add(id);
  if (news.length > 0 && !isReport) void loadJobs();
});
