// A run's tasks, filtered and sorted: what a list shows of them.

import { Date, JSON } from "../../base/globals.ts";
import { systemClock } from "../../base/clock.ts";
import { taskStatuses } from "../../protocol/status.ts";
import { briefTasks } from "../../store/read/task-briefs.ts";
import { type Asked, wholeIn } from "../asked.ts";
import { type TaskBrief, type TaskSort, taskSorts, type TasksView } from "../contract.ts";
import type { RunIndex } from "../index/run-index.ts";
import { orderTasks, type TaskFilter } from "../index/task-order.ts";
import type { TextSearch } from "../index/text-search.ts";
import type { PageDatabase } from "../page-database.ts";
import { type IndexedRun, indexedRun } from "./of-tasks.ts";

const maxTasks = 200;
/** A search goes on for so long in each answer. */
const searchMs = 150;

/** @throws NotFound, ReaderError */
export async function tasksView(
  database: PageDatabase,
  { ids, search }: Asked,
): Promise<TasksView> {
  const run = await indexedRun(database, ids[0] ?? 0);
  const { index, about } = run;
  const text = search.get("text")?.trim() ?? "";
  const searched = text === "" ? undefined : await index.search(text, searchMs);
  const ordered = orderOf(run, search, searched);
  const offset = wholeIn(search, "offset") ?? 0;
  const limit = Math.min(wholeIn(search, "limit") ?? maxTasks, maxTasks);
  const shown = [...ordered.subarray(offset, offset + limit)];
  return {
    ...about,
    isComplete: about.isComplete && searched?.isComplete !== false,
    total: ordered.length,
    offset,
    tasks: briefsOf(database, run, shown),
    searched: text === "" ? about.indexed : searchedOf(index, searched),
  };
}

const searchedOf = ({ columns }: RunIndex, search: TextSearch | undefined): number =>
  search === undefined ? 0 : Math.min(search.searchedTo, columns.size);

function orderOf(
  { index, isDead }: IndexedRun,
  search: URLSearchParams,
  searched: TextSearch | undefined,
): Float64Array {
  const asked = search.get("sort");
  const sort: TaskSort = taskSorts.find((each) => each === asked) ?? "id";
  const isDescending = search.get("order") === "desc";
  const filter = filterOf(index, isDead, search);
  const params = ["status", "definition", "worker", "machine", "from", "to", "id"].map((name) =>
    search.getAll(name),
  );
  const key = JSON.stringify([
    sort,
    isDescending,
    isDead,
    params,
    searched?.text,
    searched?.version,
  ]);
  return index.memo(key, () =>
    orderTasks(
      index.columns,
      searched === undefined ? filter : { ...filter, found: searched.found },
      { sort, isDescending },
      isDead ? Number.NaN : systemClock.wall(),
    ),
  );
}

function filterOf(index: RunIndex, isDead: boolean, search: URLSearchParams): TaskFilter {
  const definitions = search.getAll("definition").map((name) => index.definitions.indexOf(name));
  const status = search.get("status") ?? "";
  const id = wholeIn(search, "id");
  return {
    statuses: status === "" ? undefined : statusesIn(status, isDead),
    definitions: definitions.length === 0 ? undefined : new Set(definitions),
    worker: search.get("worker") === "none" ? -1 : wholeIn(search, "worker"),
    machine: machineIn(index, search.get("machine")),
    from: wholeIn(search, "from"),
    to: wholeIn(search, "to"),
    found: id === undefined ? undefined : new Set([id]),
  };
}

const unknownMachine = -2;

/** "": the run's own. */
function machineIn({ machines }: RunIndex, name: string | null): number | undefined {
  if (name === null || name === "") return name === null ? undefined : -1;
  const [found] = [...machines].filter(([, each]) => each === name);
  return found?.[0] ?? unknownMachine;
}

function statusesIn(list: string, isDead: boolean): ReadonlySet<number> {
  const named = list.split(",").map((name) => {
    if (name === "interrupted") return isDead ? "running" : "";
    return name === "running" && isDead ? "" : name;
  });
  return new Set([...taskStatuses.keys()].filter((i) => named.includes(taskStatuses[i] ?? "")));
}

export function briefsOf(
  { reader }: PageDatabase,
  { index, isDead }: IndexedRun,
  ids: readonly number[],
): readonly TaskBrief[] {
  return briefTasks(reader, index.run, ids).map((row): TaskBrief => {
    const { startedAt, finishedAt, ...rest } = row;
    const place = index.columns.find(row.id);
    const worker = place?.chunk.worker[place.slot] ?? -1;
    const [started, ended] = [Date.parse(startedAt ?? ""), Date.parse(finishedAt ?? "")];
    return {
      ...rest,
      status: row.status === "running" && isDead ? "interrupted" : row.status,
      definition: index.definitions[place?.chunk.definition[place.slot] ?? 0] ?? row.name,
      worker: worker < 0 ? null : worker,
      startedAt: Number.isNaN(started) ? null : started,
      durationMs: Number.isNaN(ended - started) ? null : Math.max(0, ended - started),
    };
  });
}
