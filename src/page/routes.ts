// The addresses below /data/ and /actions/, and who answers them. Ids are whole numbers: no path or name of anything comes from an
// address. Where a page shows several databases, `/db/<number>` before an address says which one it is about.

import { isStoredId } from "../protocol/ids.ts";
import {
  cancelRun,
  formView,
  rerunTasks,
  resumeRun,
  startRun,
  startView,
} from "./actions/actions.ts";
import { type Asked, NotFound } from "./asked.ts";
import { compareView, editView } from "./data/compare-view.ts";
import { interruptJob, jobsView, jobView } from "./data/jobs-view.ts";
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
import type { PageOverview } from "./overview/page-overview.ts";
import { pauseSchedule, resumeSchedule } from "./overview/schedule-actions.ts";
import { schedulesView } from "./overview/schedules-view.ts";
import { shownView } from "./overview/shown-view.ts";
import type { PageDatabase } from "./page-database.ts";

/** Gives what becomes JSON, or a Response. */
type Answer<Of> = (of: Of, asked: Asked) => unknown;

/** What an address asks for, and of what. */
export type Route = {
  readonly ids: readonly number[];
  /** It starts or ends something. */
  readonly isAction: boolean;
  answer(overview: PageOverview, asked: Asked): unknown;
};

/** Of one database. `#` is an id. */
const ofDatabase: Readonly<Record<string, Answer<PageDatabase>>> = {
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
  "GET /data/compare": compareView,
  "GET /data/compare/edit": editView,
  "POST /actions/runs/#/form": formView,
  "POST /actions/runs/#/run": startRun,
  "POST /actions/runs/#/rerun": rerunTasks,
  "POST /actions/runs/#/resume": resumeRun,
  "POST /actions/runs/#/cancel": cancelRun,
  "GET /data/runs/#/definitions": definitionsView,
  "GET /data/runs/#/tasks": tasksView,
  "GET /data/runs/#/timeline": timelineView,
  "GET /data/runs/#/progress": progressView,
  "GET /data/runs/#/rows": rowsView,
};

/** Of all that the page shows, whichever database the address names. */
const ofAll: Readonly<Record<string, Answer<PageOverview>>> = {
  "GET /data/schedules": schedulesView,
  "GET /data/jobs": ({ shown }) => jobsView(shown),
  "GET /data/jobs/#": ({ shown }, asked) => jobView(shown, asked),
  "POST /actions/jobs/#/interrupt": ({ shown }, asked) => interruptJob(shown, asked),
  "POST /actions/schedules/#/pause": pauseSchedule,
  "POST /actions/schedules/#/resume": resumeSchedule,
};

/** Of one database, or of all where the address names none. */
const ofEither: Readonly<
  Record<string, (overview: PageOverview, id: number | null, asked: Asked) => unknown>
> = {
  "GET /data/db": ({ shown }, id) => shownView(shown, id),
  "GET /data/pipelines": (overview, id, asked) =>
    id === null ? overview.pipelines(asked) : pipelinesView(overview.shown.of(id), asked),
};

/** Which database an address names, and what it says without that. Null: none. */
export type Addressed = { readonly database: number | null; readonly path: string };

export function addressedBy(path: string): Addressed {
  const [, digits, rest = ""] = /^\/db\/(\d+)(\/.*|)$/.exec(path) ?? [];
  if (digits === undefined || !isStoredId(Number(digits))) return { database: null, path };
  return { database: Number(digits), path: rest === "" ? "/" : rest };
}

/**
 * Undefined for an address of the page itself, which shows it.
 * @throws NotFound for other addresses below /data/ and /actions/
 */
export function routeOf(method: string, { database, path }: Addressed): Route | undefined {
  const ids: number[] = [];
  const pattern = path.replaceAll(/(?<=\/)\d+(?=\/|$)/g, (digits) => {
    ids.push(Number(digits));
    return "#";
  });
  const answer = answerOf(`${method} ${pattern}`, database);
  if (answer !== undefined && ids.every(isStoredId)) {
    return { ids, isAction: path.startsWith("/actions/"), answer };
  }
  if (method === "GET" && !/^\/(?:data|actions|events)(?:\/|$)/.test(path)) return undefined;
  throw new NotFound(`there is nothing at ${path}`);
}

function answerOf(place: string, database: number | null): Route["answer"] | undefined {
  const one = ownValue(ofDatabase, place);
  if (one !== undefined) return ({ shown }, asked) => one(shown.of(database), asked);
  const either = ownValue(ofEither, place);
  if (either !== undefined) return (overview, asked) => either(overview, database, asked);
  return ownValue(ofAll, place);
}

const ownValue = <Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
