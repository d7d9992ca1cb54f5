// What a report answers: what is in it as it is, and lists that are made of what is in it.

import type { ReportData } from "../contract-report.ts";
import type { LogLine, LogsView, TaskBrief, TasksView, TaskView } from "../contract.ts";

/** Lines and tasks of a page, as the server has them. */
const maxLines = 200;

/** Undefined: the report does not have it. */
export function reportAnswer(report: ReportData, address: string): unknown {
  if (Object.hasOwn(report.answers, address)) return report.answers[address];
  const { pathname, searchParams: search } = new URL(address, "http://page");
  const ofRun = `/data/runs/${report.run}`;
  if (pathname === `${ofRun}/tasks`) return tasksOf(report, search);
  if (pathname === `${ofRun}/logs`) return logsOf(report, search);
  if (pathname.startsWith(`${ofRun}/tasks/`)) {
    return taskOf(report, Number(pathname.slice(`${ofRun}/tasks/`.length)));
  }
  return undefined;
}

function tasksOf({ tasks, madeAt, totalTasks }: ReportData, search: URLSearchParams): TasksView {
  const found = tasks.filter(filterOf(search));
  const sorted = sortedBy(
    found,
    madeAt,
    search.get("sort") ?? "id",
    search.get("order") === "desc",
  );
  const offset = Number(search.get("offset") ?? 0);
  const isAll = tasks.length === totalTasks;
  return {
    isComplete: true,
    isBehind: false,
    asOf: madeAt,
    indexed: tasks.length,
    planned: totalTasks,
    isCut: !isAll,
    total: found.length,
    offset,
    tasks: sorted.slice(offset, offset + Number(search.get("limit") ?? 200)),
    searched: tasks.length,
  };
}

function filterOf(search: URLSearchParams): (task: TaskBrief) => boolean {
  const [status = null, worker = null, machine = null, id = null] = [
    "status",
    "worker",
    "machine",
    "id",
  ].map((name) => search.get(name));
  const definitions = search.getAll("definition");
  const [from = 0, to = 0] = ["from", "to"].map((name) => Number(search.get(name) ?? Number.NaN));
  const words = (search.get("text") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return (task) => {
    const { startedAt, durationMs, status: state } = task;
    // Of a task that waits for its next attempt, the end is not kept.
    const openMs = state === "running" || state === "interrupted" ? Infinity : 0;
    // What has not begun ran at no time.
    const ended = startedAt === null ? -1 : startedAt + (durationMs ?? openMs);
    return (
      (status === null || status.split(",").includes(task.status)) &&
      (definitions.length === 0 || definitions.includes(task.definition)) &&
      (worker === null || isOf(worker, task)) &&
      (machine === null || (task.machine ?? "") === machine) &&
      (id === null || String(task.id) === id) &&
      !(to < (startedAt ?? Infinity)) &&
      !(ended < from) &&
      words.every((word) => has(task, word))
    );
  };
}

// "none": nobody knows the worker of a task that has run. One that has not has none.
const isOf = (asked: string, { worker, startedAt }: TaskBrief): boolean =>
  asked === "none" ? worker === null && startedAt !== null : String(worker) === asked;

const has = ({ id, name, label, error }: TaskBrief, word: string): boolean =>
  word === `#${id}` || [name, label, error].some((text) => text?.toLowerCase().includes(word));

function sortedBy(
  tasks: readonly TaskBrief[],
  now: number,
  sort: string,
  isDescending: boolean,
): readonly TaskBrief[] {
  const valueOf: Readonly<Record<string, (task: TaskBrief) => number | null>> = {
    duration: ({ status, startedAt, durationMs }) =>
      status === "running" && startedAt !== null ? now - startedAt : durationMs,
    started: (task) => task.startedAt,
    waited: (task) => task.waitedMs,
    rows: (task) => task.rows,
    cpu: (task) => task.cpuMs,
    attempts: (task) => task.attempt,
  };
  const value = valueOf[sort] ?? ((task: TaskBrief) => task.id);
  const sign = isDescending ? -1 : 1;
  // What is not known is last in both orders.
  return tasks.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (x - y) || a.id - b.id;
  });
}

function taskOf({ details, tasks }: ReportData, id: number): TaskView | undefined {
  if (Object.hasOwn(details, id)) return details[id];
  const task = tasks.find((each) => each.id === id);
  if (task === undefined) return undefined;
  const error = task.error === null ? null : { name: "Error", message: task.error };
  const nothing = { place: null, input: null, result: null, attempts: [], culprits: [], needs: [] };
  return { task, error, ...nothing, moreNeeds: 0, reason: null };
}

const levels = ["debug", "info", "warn", "error"];

function logsOf({ logs }: ReportData, search: URLSearchParams): LogsView {
  const level = levels.indexOf(search.get("level") ?? "debug");
  const task = search.get("task");
  const words = (search.get("text") ?? "").toLowerCase();
  const before = Number(search.get("before") ?? Infinity);
  const fits = (line: LogLine): boolean =>
    line.row < before &&
    levels.indexOf(line.level) >= level &&
    (task === null || String(line.id) === task) &&
    line.line.toLowerCase().includes(words);
  const found = search.get("after") === null ? logs.filter(fits) : [];
  const lines = found.slice(-maxLines);
  const hasMore = found.length > lines.length;
  return {
    file: "",
    lines,
    before: hasMore ? (lines[0]?.row ?? null) : null,
    after: logs.at(-1)?.row ?? 0,
    isPartial: false,
  };
}
