// The two regions as lines, made from the view, the size of the terminal, the time and the colours. Pure.

import { assertNever } from "../base/unreachable.ts";
import { clock, countdown } from "../base/format-duration.ts";
import { overallBar, pulse, spinnerAt, taskBar } from "./bars.ts";
import { allOf, arrange, isNarrow, percentColumns, percentOf } from "./frame-layout.ts";
import type { FrameOptions, Layout } from "./frame-layout.ts";
import { cellText, fit, fitMiddle, grouped, pad, plural, width } from "../base/text.ts";
import type { Repeated, RunningTask, View, WaitingTask } from "./view.ts";
import { queuedCount, repeatedAmong, titleOfTask } from "./view.ts";

type Frame = { readonly lines: readonly string[]; readonly labelWidth: number };

type Row = {
  readonly name: string;
  readonly startedAt?: number;
  readonly draw: (layout: Layout, name: string) => string;
};

export function frame(view: View, options: FrameOptions): Frame {
  const before = options.labelWidth ?? 0;
  if (view.startedAt === undefined) return { lines: [], labelWidth: before };
  const room = maxLines(options.height);
  if (room === 0) return { lines: [], labelWidth: before };
  const { rows, more } = pick(view, room - 1);
  const widest = rows.reduce((most, { name }) => Math.max(most, width(name)), 0);
  const layout = arrange(view, options, { widest, oldest: rows[0]?.startedAt });
  const lines = [overall(view, layout), ...rows.map((row) => row.draw(layout, row.name))];
  if (more !== "") lines.push(layout.colors.dim(fit(`  ${more}`, layout.columns)));
  return { lines, labelWidth: Math.max(before, widest) };
}

/** Log lines keep a quarter of the screen, and the cursor one row below the regions. */
export const maxLines = (height: number): number =>
  Math.max(0, height - 1 - Math.floor(height / 4));

// ── which rows ─────────────────────────────────────────────────────────────────────────────────────────

/** Running tasks first, the oldest on top. Tasks that do not fit are counted. */
function pick(view: View, room: number): { rows: Row[]; more: string } {
  const { running, waiting } = view;
  if (view.finishedAt !== undefined || room < 1) return { rows: [], more: "" };
  const queued = queuedCount(view);
  const fits = queued === 0 && running.size + waiting.size <= room;
  const limit = fits ? room : room - 1;
  const run = take(running.values(), limit);
  const wait = take(waiting.values(), limit - run.length);
  const repeated = repeatedAmong(view, [...run, ...wait]);
  const rows = [
    ...run.map((task) => runningRow(repeated, task)),
    ...wait.map((task) => waitingRow(repeated, task)),
  ];
  return { rows, more: fits ? "" : notShown(view, limit, queued) };
}

function take<T>(values: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  if (count <= 0) return taken;
  for (const value of values) {
    taken.push(value);
    if (taken.length === count) break;
  }
  return taken;
}

/** `+ 2,985 more running, 40 waiting for a retry, 960 queued` */
function notShown({ running, waiting, stopping }: View, shown: number, queued: number): string {
  const hiddenRunning = Math.max(0, running.size - shown);
  const hiddenWaiting = waiting.size - Math.max(0, Math.min(waiting.size, shown - running.size));
  const parts: string[] = [];
  if (hiddenRunning > 0) parts.push(`${grouped(hiddenRunning)} more running`);
  if (hiddenWaiting > 0) parts.push(`${grouped(hiddenWaiting)} waiting for a retry`);
  if (queued > 0) parts.push(`${grouped(queued)} ${stopping === "no" ? "queued" : "not started"}`);
  return `+ ${parts.join(", ")}`;
}

function rowTitle(repeated: Repeated, task: RunningTask | WaitingTask): string {
  const title = titleOfTask(task);
  return cellText(repeated.has(title) ? `${title} #${task.id}` : title);
}

const runningRow = (repeated: Repeated, task: RunningTask): Row => ({
  name: rowTitle(repeated, task),
  startedAt: task.startedAt,
  draw: (layout, name) => runningLine(task, name, layout),
});

const waitingRow = (repeated: Repeated, task: WaitingTask): Row => ({
  name: rowTitle(repeated, task),
  draw: (layout, name) => waitingLine(task, name, layout),
});

// ── the lines ──────────────────────────────────────────────────────────────────────────────────────────

function join(layout: Layout, icon: string, label: string, bar: string, figures: string): string {
  const parts = bar === "" ? [icon, label, figures] : [icon, label, bar, figures];
  return fit(parts.join(" "), layout.columns);
}

function overall(view: View, layout: Layout): string {
  const { colors, label } = layout;
  const name = label < allOf(view).length ? "All".slice(0, label > 2 ? 3 : 0) : nameOf(view);
  const known = view.complete || view.finishedAt !== undefined;
  const bar = known
    ? overallBar(view, layout, layout.bar)
    : pulse(layout, layout.bar, view.startedAt ?? 0);
  return join(
    layout,
    overallIcon(view, layout),
    colors.bold(pad(name, label)),
    bar,
    layout.figures,
  );
}

const nameOf = (view: View): string =>
  view.stopping === "no" || view.finishedAt !== undefined ? allOf(view) : "Stopping…";

function overallIcon(view: View, { colors, glyphs, now }: Layout): string {
  const status = view.finishedAt === undefined ? "running" : view.status;
  switch (status) {
    case "running":
      return view.stopping === "no"
        ? colors.cyan(spinnerAt(glyphs, now))
        : colors.yellow(spinnerAt(glyphs, now));
    case "done":
      return colors.green(glyphs.done);
    case "error":
      return colors.red(glyphs.failed);
    case "cancelled":
      return colors.yellow(glyphs.cancelled);
    default:
      return assertNever(status);
  }
}

function runningLine(task: RunningTask, name: string, layout: Layout): string {
  const { colors, glyphs, now } = layout;
  const { progress, startedAt } = task;
  const bar =
    progress === undefined
      ? pulse(layout, layout.taskBar, startedAt)
      : taskBar(layout, layout.taskBar, progress);
  const percent =
    progress === undefined ? " ".repeat(percentColumns) : percentOf(Math.floor(progress * 100));
  const icon =
    task.attempt === 1
      ? colors.cyan(spinnerAt(glyphs, now))
      : colors.yellow(spinnerAt(glyphs, now));
  const time = isNarrow(layout.columns) ? "" : ` ${clock(now - startedAt).padStart(layout.time)}`;
  return join(
    layout,
    icon,
    pad(name, layout.taskLabel, fitMiddle),
    bar,
    percent + time + notes(task, layout),
  );
}

/** The attempt, the machine and the last message of the task, where they have room. */
function notes({ attempt, machine, message }: RunningTask, layout: Layout): string {
  const { colors, glyphs, columns, label, taskBar: bar, time } = layout;
  if (bar === 0) return "";
  const dot = colors.dim(glyphs.separator);
  const room = columns - label - bar - (percentColumns + 1 + time) - 4;
  const facts = [
    attempt === 1 ? "" : dot + colors.yellow(`attempt ${attempt}`),
    machine === undefined ? "" : dot + cellText(machine),
  ];
  let shown = "";
  for (const fact of facts) if (width(shown + fact) <= room) shown += fact;
  const left = room - width(shown) - glyphs.separator.length;
  if (message === undefined || message === "" || left < 8) return shown;
  return shown + dot + colors.dim(fit(cellText(message), left));
}

function waitingLine(task: WaitingTask, name: string, layout: Layout): string {
  const { colors, glyphs, taskBar: bar, columns, label } = layout;
  const when = countdown(task.retryAt - layout.now);
  const full = `attempt ${task.attempt} ${when}`;
  const text = bar === 0 || columns - label - bar - 4 < full.length ? when : full;
  const gaps = colors.track(`${glyphs.track} `.repeat(Math.ceil(bar / 2)).slice(0, bar));
  const taskLabel = bar === 0 ? Math.max(1, columns - text.length - 3) : layout.taskLabel;
  const icon = colors.yellow(glyphs.waiting);
  return join(layout, icon, colors.dim(pad(name, taskLabel, fitMiddle)), gaps, colors.yellow(text));
}

/** The tasks in flight, for a log line. */
export const inFlightText = ({ running, waiting, noun }: View): string => {
  // Between tasks, or after the last one: a commit or a hook is running.
  if (running.size === 0 && waiting.size === 0) return "the end of the run";
  const tasks = plural(running.size, `running ${noun}`);
  return waiting.size === 0 ? tasks : `${tasks}, ${grouped(waiting.size)} waiting`;
};
