// The addresses below /data/ and /actions/, and who answers them. Ids are whole numbers: no path or name of anything comes from an
// address.

import { isStoredId } from "../protocol/ids.ts";
import {
  cancelRun,
  formView,
  interruptJob,
  rerunTasks,
  resumeRun,
  startRun,
  startView,
} from "./actions/actions.ts";
import { type Asked, NotFound } from "./asked.ts";
import { compareView, editView } from "./data/compare-view.ts";
import { databaseView } from "./data/database-view.ts";
import { jobsView, jobView } from "./data/jobs-view.ts";
import { definitionsView } from "./data/definitions-view.ts";
import { pipelinesView } from "./data/pipelines-view.ts";
import { failuresView } from "./data/failures-view.ts";
import { logFile, logsView } from "./data/logs-view.ts";
import { taskView } from "./data/task-view.ts";
import { progressView } from "./data/progress-view.ts";
import { rowsView } from "./data/rows-view.ts";
import { runView, runsView } from "./data/runs-view.ts";
import { tasksView } from "./data/tasks-view.ts";
import { graphView } from "./data/graph-view.ts";
import { sqlAnswer, tablesView } from "./data/sql-view.ts";
import { timelineView } from "./data/timeline-view.ts";
import type { PageDatabase } from "./page-database.ts";

/** Gives what becomes JSON, or a Response. */
type Answer = (database: PageDatabase, asked: Asked) => unknown;

export type Route = {
  readonly ids: readonly number[];
  /** It starts or ends something. */
  readonly isAction: boolean;
  readonly answer: Answer;
};

/** `#` is an id. */
const table: Readonly<Record<string, Answer>> = {
  "GET /data/db": databaseView,
  "GET /data/tables": tablesView,
  "POST /data/sql": sqlAnswer,
  "GET /data/runs": runsView,
  "GET /data/runs/#": runView,
  "GET /data/runs/#/graph": graphView,
  "GET /data/runs/#/failures": failuresView,
  "GET /data/runs/#/logs": logsView,
  "GET /data/runs/#/log-file": logFile,
  "GET /data/runs/#/tasks/#": taskView,
  "GET /data/runs/#/start": startView,
  "GET /data/pipelines": pipelinesView,
  "GET /data/compare": compareView,
  "GET /data/compare/edit": editView,
  "GET /data/jobs": jobsView,
  "GET /data/jobs/#": jobView,
  "POST /actions/runs/#/form": formView,
  "POST /actions/runs/#/run": startRun,
  "POST /actions/runs/#/rerun": rerunTasks,
  "POST /actions/runs/#/resume": resumeRun,
  "POST /actions/runs/#/cancel": cancelRun,
  "POST /actions/jobs/#/interrupt": interruptJob,
  "GET /data/runs/#/definitions": definitionsView,
  "GET /data/runs/#/tasks": tasksView,
  "GET /data/runs/#/timeline": timelineView,
  "GET /data/runs/#/progress": progressView,
  "GET /data/runs/#/rows": rowsView,
};

/**
 * Undefined for an address of the page itself, which shows it.
 * @throws NotFound for other addresses below /data/ and /actions/
 */
export function routeOf(method: string, path: string): Route | undefined {
  const ids: number[] = [];
  const pattern = path.replaceAll(/(?<=\/)\d+(?=\/|$)/g, (digits) => {
    ids.push(Number(digits));
    return "#";
  });
  const answer = Object.hasOwn(table, `${method} ${pattern}`)
    ? table[`${method} ${pattern}`]
    : undefined;
  if (answer !== undefined && ids.every(isStoredId)) {
    return { ids, isAction: path.startsWith("/actions/"), answer };
  }
  if (method === "GET" && !/^\/(?:data|actions|events)(?:\/|$)/.test(path)) return undefined;
  throw new NotFound(`there is nothing at ${path}`);
}
