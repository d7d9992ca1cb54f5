// The rows of the list of tasks that are seen.

import type { TaskBrief, TaskSort, TasksView } from "../../contract.ts";
import { count, duration, time } from "../format.ts";
import { Status } from "../parts/status.tsx";
import { go, hrefOf, param, withParams } from "../router.ts";
import { taskTookText } from "../took.ts";
import type { RowWindow } from "../use-window.ts";

type Props = {
  readonly view: TasksView;
  readonly rows: RowWindow;
  readonly rowHeight: number;
  /** The task that is shown beside the list; 0: none. */
  readonly selected: number;
};

export function TaskList({ view, rows, rowHeight, selected }: Props) {
  const { first, fitting, shift } = rows;
  const shown = Array.from(
    { length: Math.min(fitting, Math.max(0, view.total - first)) },
    (_, i) => first + i,
  );
  const height = rows.heightOf(view.total);
  return (
    <div
      class="task-list"
      role="table"
      aria-rowcount={view.total + 1}
      tabIndex={0}
      ref={rows.box}
      onKeyDown={(event) => move(event, view, rows, selected)}
    >
      <Head />
      <div class="inside" style={{ height: `${height}px` }}>
        <div class="seen" style={{ transform: `translateY(${-shift}px)` }}>
          {shown.map((index) => (
            <Row
              key={index}
              index={index}
              task={view.tasks[index - view.offset]}
              height={rowHeight}
              isSelected={view.tasks[index - view.offset]?.id === selected}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** The arrows go from task to task; Escape closes the one that is shown. */
function move(event: KeyboardEvent, view: TasksView, rows: RowWindow, selected: number): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (event.key === "Escape") go(withParams({ task: null }));
  else if (step === 0) return;
  else {
    const at = view.tasks.findIndex(({ id }) => id === selected);
    const next = at < 0 ? rows.first - view.offset : at + step;
    const task = view.tasks[next];
    if (task === undefined) return;
    rows.reveal(view.offset + next);
    go(withParams({ task: String(task.id) }), true);
  }
  event.preventDefault();
}

const columns: readonly (readonly [title: string, sort: TaskSort | null])[] = [
  ["Task", "id"],
  ["Status", null],
  ["Started", "started"],
  ["Took", "duration"],
  ["Waited", "waited"],
  ["Rows", "rows"],
  ["CPU", "cpu"],
];

function Head() {
  const sort = param("sort") ?? "id";
  const isDescending = param("order") === "desc";
  return (
    <div class="row head" role="row">
      {columns.map(([title, by]) => (
        <span
          key={title}
          role="columnheader"
          aria-sort={by !== sort ? "none" : isDescending ? "descending" : "ascending"}
        >
          {by === null ? (
            title
          ) : (
            <a href={hrefOf(withParams({ sort: by, order: orderAfter(by, sort, isDescending) }))}>
              {title}
              {by === sort ? <i aria-hidden="true"> {isDescending ? "↓" : "↑"}</i> : null}
            </a>
          )}
        </span>
      ))}
    </div>
  );
}

/** The longest, the most and the last come first at the first click. */
const orderAfter = (by: TaskSort, sort: string, isDescending: boolean): "asc" | "desc" => {
  if (by === sort) return isDescending ? "asc" : "desc";
  return by === "id" ? "asc" : "desc";
};

type RowProps = {
  readonly index: number;
  /** Undefined: it is still asked for. */
  readonly task: TaskBrief | undefined;
  readonly height: number;
  readonly isSelected: boolean;
};

function Row({ index, task, height, isSelected }: RowProps) {
  const style = { height: `${height}px` };
  if (task === undefined) return <div class="row waiting" style={style} role="row" />;
  return (
    <div
      class={`row ${isSelected ? "selected" : ""}`}
      style={style}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
    >
      <span role="cell" class="title">
        <a href={hrefOf(withParams({ task: String(task.id) }))}>
          <b>{task.name}</b> {task.label} <small>#{task.id}</small>
        </a>
        {task.error === null ? null : <span class="why"> {task.error}</span>}
        {task.status === "running" && task.message !== null ? (
          <span class="soft"> {task.message}</span>
        ) : null}
      </span>
      <span role="cell">
        <Status of={task.status} />
        {task.attempt > 1 ? <small> {task.attempt}×</small> : null}
        {task.status === "running" && task.progress > 0 ? (
          <small> {Math.floor(task.progress * 100)} %</small>
        ) : null}
      </span>
      <span role="cell">{task.startedAt === null ? "–" : time(task.startedAt)}</span>
      <span role="cell">{taskTookText(task) ?? "–"}</span>
      <span role="cell">{shownMs(task.waitedMs)}</span>
      <span role="cell">{task.rows === null ? "–" : count(task.rows)}</span>
      <span role="cell">{shownMs(task.cpuMs)}</span>
    </div>
  );
}

const shownMs = (ms: number | null): string => (ms === null ? "–" : duration(ms));
