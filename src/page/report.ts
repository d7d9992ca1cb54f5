// A run as one file: the page with what the server would answer inside.

import { AbortController, URLSearchParams } from "../base/globals.ts";
import { systemClock } from "../base/clock.ts";
import type { AppFiles } from "./app-files.ts";
import type { Asked } from "./asked.ts";
import type { ReportData } from "./contract-report.ts";
import type { LogLine, StoredText, TaskBrief, TaskView } from "./contract.ts";
import { definitionsView } from "./data/definitions-view.ts";
import { failuresView } from "./data/failures-view.ts";
import { graphView } from "./data/graph-view.ts";
import { logsView } from "./data/logs-view.ts";
import { progressView } from "./data/progress-view.ts";
import { rowsView } from "./data/rows-view.ts";
import { runView } from "./data/runs-view.ts";
import { tablesView } from "./data/sql-view.ts";
import { taskView } from "./data/task-view.ts";
import { tasksView } from "./data/tasks-view.ts";
import { timelineView } from "./data/timeline-view.ts";
import { OneDatabase } from "./overview/shown.ts";
import { shownView } from "./overview/shown-view.ts";
import { pageDocument } from "./document.ts";
import type { PageDatabase } from "./page-database.ts";

/** A mail takes some megabytes. */
const maxTasks = 5_000;
const maxFailed = 1_000;
const maxDetails = 300;
const maxLines = 5_000;
/** Characters of an input or a result. */
const maxStored = 2_000;

/** The HTML file of a run. @throws NotFound, ReaderError */
export async function reportOf(
  database: PageDatabase,
  run: number,
  app: AppFiles,
): Promise<string> {
  const data = await reportData(database, run);
  const { run: brief } = runView(database, asked([run]));
  return pageDocument(app, `${brief.pipeline}, run ${run}`, data).html;
}

export async function reportData(database: PageDatabase, run: number): Promise<ReportData> {
  await untilRead(database, run);
  const tasks = await tasksOf(database, run);
  const { lines, hasEarlier } = linesOf(database, run);
  return {
    entry: `/runs/${run}`,
    run,
    madeAt: systemClock.wall(),
    answers: await answersOf(database, run),
    ...tasks,
    details: await detailsOf(database, run, tasks.tasks),
    logs: lines,
    hasEarlierLogs: hasEarlier,
  };
}

const asked = (ids: readonly number[], search: Readonly<Record<string, string>> = {}): Asked => ({
  ids,
  search: new URLSearchParams(search),
  body: undefined,
  signal: new AbortController().signal,
});

/** A large run is read in several steps. */
async function untilRead(database: PageDatabase, run: number): Promise<void> {
  for (;;) {
    const { isComplete } = await database.indexes.of(run);
    const failures = await failuresView(database, asked([run]));
    if (isComplete && failures.isComplete) return;
  }
}

async function answersOf(database: PageDatabase, run: number): Promise<Record<string, unknown>> {
  const ofRun = `/data/runs/${run}`;
  const answers: Record<string, unknown> = {
    "/data/db": { ...shownView(new OneDatabase(database), null), isReadOnly: true },
    "/data/tables": await tablesView(database, asked([])),
    [ofRun]: runView(database, asked([run])),
    [`${ofRun}/graph`]: graphView(database, asked([run])),
    [`${ofRun}/definitions`]: await definitionsView(database, asked([run])),
    [`${ofRun}/failures`]: await failuresView(database, asked([run])),
    [`${ofRun}/progress`]: await progressView(database, asked([run])),
    [`${ofRun}/rows`]: await rowsView(database, asked([run])),
  };
  for (const by of ["worker", "definition"]) {
    answers[`${ofRun}/timeline?by=${by}`] = await timelineView(database, asked([run], { by }));
  }
  return answers;
}

type Tasks = Pick<ReportData, "tasks" | "totalTasks">;

async function tasksOf(database: PageDatabase, run: number): Promise<Tasks> {
  const byId = new Map<number, TaskBrief>();
  let totalTasks = 0;
  const add = async (most: number, filter: Readonly<Record<string, string>>): Promise<void> => {
    for (let offset = 0; byId.size < most;) {
      const page = asked([run], { ...filter, offset: String(offset) });
      const { tasks, total } = await tasksView(database, page);
      totalTasks = total;
      for (const task of tasks.slice(0, most - byId.size)) byId.set(task.id, task);
      offset += tasks.length;
      if (tasks.length === 0 || offset >= total) return;
    }
  };
  await add(maxFailed, { status: "error" });
  await add(maxTasks, {});
  return { tasks: [...byId.values()].toSorted((a, b) => a.id - b.id), totalTasks };
}

const isFailed = ({ status }: TaskBrief): boolean => status === "error";

/** Of failed tasks first. */
async function detailsOf(
  database: PageDatabase,
  run: number,
  tasks: readonly TaskBrief[],
): Promise<Record<number, TaskView>> {
  const first = [...tasks.filter(isFailed), ...tasks.filter((task) => !isFailed(task))];
  const details: Record<number, TaskView> = {};
  for (const { id } of first.slice(0, maxDetails)) {
    const { input, result, ...view } = await taskView(database, asked([run, id]));
    details[id] = { ...view, input: shorter(input), result: shorter(result) };
  }
  return details;
}

const shorter = (stored: StoredText | null): StoredText | null =>
  stored === null || stored.text.length <= maxStored
    ? stored
    : { text: stored.text.slice(0, maxStored), isCut: true };

function linesOf(
  database: PageDatabase,
  run: number,
): { readonly lines: readonly LogLine[]; readonly hasEarlier: boolean } {
  let lines: readonly LogLine[] = [];
  let before: number | null = null;
  do {
    const place = before === null ? {} : { before: String(before) };
    const page = logsView(database, asked([run], place));
    lines = [...page.lines, ...lines];
    before = page.before;
  } while (before !== null && lines.length < maxLines);
  return { lines, hasEarlier: before !== null };
}
