// The tasks of a run: a list of any length, which asks for the rows that are seen only; and one task beside it.

import type { RunBrief, TasksView } from "../../contract.ts";
import { count, counted, time } from "../format.ts";
import { Empty, Failed } from "../parts/states.tsx";
import { hrefOf, param, searchOf, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { type Loaded, useData } from "../use-data.ts";
import { TaskDrawer } from "./task-drawer.tsx";
import { TaskFilters } from "./task-filters.tsx";
import { TaskList } from "./task-list.tsx";
import { useWindow } from "../use-window.ts";

/** Pixels of a row. */
const rowHeight = 36;
/** Pages begin at multiples of it, and have twice as many tasks. */
const step = 100;

const filters = [
  "status",
  "definition",
  "worker",
  "machine",
  "from",
  "to",
  "text",
  "sort",
  "order",
] as const;

export function Tasks({ run }: { readonly run: RunBrief }) {
  const search = searchOf(filters);
  const rows = useWindow(rowHeight, search.toString());
  search.set("offset", String(Math.floor(rows.first / step) * step));
  search.set("limit", String(2 * step));
  const loaded = useData<TasksView>(`/data/runs/${run.id}/tasks?${search}`);
  const task = Number(param("task") ?? 0);
  return (
    <div class={`tasks ${task > 0 ? "with-drawer" : ""}`}>
      <section class="card" aria-label="tasks">
        <TaskFilters run={run} />
        <About of={loaded} />
        {loaded.type === "failed" ? <Failed error={loaded.error} /> : null}
        {loaded.type === "ready" && loaded.data.total === 0 ? <NoTasks view={loaded.data} /> : null}
        {loaded.type === "ready" && loaded.data.total > 0 ? (
          <TaskList view={loaded.data} rows={rows} rowHeight={rowHeight} selected={task} />
        ) : null}
      </section>
      {task > 0 ? <TaskDrawer key={task} run={run} task={task} /> : null}
    </div>
  );
}

/** How many there are, and what is not known yet. */
function About({ of }: { readonly of: Loaded<TasksView> }) {
  if (of.type !== "ready") return <div class="loading" role="status" aria-label="loading" />;
  const { total, isComplete, indexed, planned, asOf, isCut, searched } = of.data;
  const isSearching = param("text") !== null && !isComplete && searched < indexed;
  const reading = isSearching
    ? `searched ${count(searched)} of ${count(indexed)}`
    : `read ${count(indexed)}${planned === null ? "" : ` of ${count(planned)}`}`;
  return (
    <p class="about soft" role="status">
      {counted(total, "task")}
      {isComplete ? null : ` so far: ${reading} …`}
      {isComplete ? ` as of ${time(asOf)}` : null}
      {isCut
        ? isReport
          ? " · a report has the first ones, and those that failed; the database has all"
          : " · some tasks are left out: their rows are damaged, or there are too many"
        : null}
    </p>
  );
}

function NoTasks({ view: { isComplete } }: { readonly view: TasksView }) {
  if (!isComplete) return null;
  const isFiltered = filters.some(
    (name) => name !== "sort" && name !== "order" && param(name) !== null,
  );
  return isFiltered ? (
    <Empty title="No task is like that">
      <a href={hrefOf(withParams(Object.fromEntries(filters.map((name) => [name, null]))))}>
        Show all tasks
      </a>
    </Empty>
  ) : (
    <Empty title="No task has begun" />
  );
}
