// The two regions as lines, made from the view, the size of the terminal, the time and the colours. Pure.

import { assertNever } from "../base/unreachable.ts";
import type { Palette } from "../base/palette.ts";
import { clock, countdown, unknownClock } from "../base/format-duration.ts";
import type { Eta } from "./eta.ts";
import type { Glyphs } from "./glyphs.ts";
import { cellText, fit, fitMiddle, grouped, pad, plural, width } from "../base/text.ts";
import type { Repeated, RunningTask, View, WaitingTask } from "./view.ts";
import { finishedCount, repeatedAmong, titleOfTask } from "./view.ts";

export type FrameOptions = {
  readonly width: number;
  readonly height: number;
  /** Epoch ms. */
  readonly now: number;
  readonly colors: Palette;
  readonly glyphs: Glyphs;
  readonly eta: Eta;
  /** Width of the names in the last frame, columns. It only grows, so that the bars do not move. */
  readonly labelWidth?: number;
};

type Frame = { readonly lines: readonly string[]; readonly labelWidth: number };

const allTasks = "All tasks";
const spinnerMs = 100;
const minBar = 6;
/** `100% 0:00:01` */
const taskFigures = 12;
const percentColumns = 4;
/** Of the columns, for names; and for names with labels: `transform day=2025-05-13` nearly has room in 80. */
const nameShare = 0.22;
const labelledShare = 0.3;

type Layout = FrameOptions & {
  readonly columns: number;
  readonly label: number;
  /** Equal to `label`, except without bars: then nothing has to line up. */
  readonly taskLabel: number;
  /** Columns of a bar; 0 where it has no room. */
  readonly bar: number;
  /** The figures of the overall line. */
  readonly figures: string;
};

type Row = { readonly name: string; readonly draw: (layout: Layout, name: string) => string };

export function frame(view: View, options: FrameOptions): Frame {
  const before = options.labelWidth ?? 0;
  if (view.startedAt === undefined) return { lines: [], labelWidth: before };
  const room = maxLines(options.height);
  if (room === 0) return { lines: [], labelWidth: before };
  const { rows, more } = pick(view, room - 1);
  const layout = arrange(view, options, rows);
  const lines = [overall(view, layout), ...rows.map((row) => row.draw(layout, row.name))];
  if (more !== "") lines.push(layout.colors.dim(fit(`  ${more}`, layout.columns)));
  return { lines, labelWidth: layout.label };
}

/** Log lines keep a quarter of the screen, and the cursor one row below the regions. */
export const maxLines = (height: number): number =>
  Math.max(0, height - 1 - Math.floor(height / 4));

// ── which rows ─────────────────────────────────────────────────────────────────────────────────────────

/** Running tasks first, the oldest on top. Tasks that do not fit are counted. */
function pick(view: View, room: number): { rows: Row[]; more: string } {
  const { running, waiting } = view;
  if (view.finishedAt !== undefined || room < 1) return { rows: [], more: "" };
  const fits = running.size + waiting.size <= room;
  const limit = fits ? room : room - 1;
  const run = take(running.values(), limit);
  const wait = take(waiting.values(), limit - run.length);
  const repeated = repeatedAmong(view, [...run, ...wait]);
  const rows = [
    ...run.map((task) => runningRow(repeated, task)),
    ...wait.map((task) => waitingRow(repeated, task)),
  ];
  return { rows, more: fits ? "" : overflow(view, limit) };
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

function overflow({ running, waiting }: View, shown: number): string {
  const hiddenRunning = Math.max(0, running.size - shown);
  const hiddenWaiting = waiting.size - Math.max(0, shown - running.size);
  const parts: string[] = [];
  if (hiddenRunning > 0) parts.push(`${grouped(hiddenRunning)} more running`);
  if (hiddenWaiting > 0) parts.push(`${grouped(hiddenWaiting)} waiting for a retry`);
  return `+ ${parts.join(", ")}`;
}

/** Both ends of a title with a label are kept: the name, and what tells it from others. */
const cutOf = ({ name, title }: RunningTask | WaitingTask): typeof fit =>
  title === name ? fit : fitMiddle;

function rowTitle(repeated: Repeated, task: RunningTask | WaitingTask): string {
  const title = titleOfTask(task);
  return cellText(repeated.has(title) ? `${title} #${task.id}` : title);
}

const runningRow = (repeated: Repeated, task: RunningTask): Row => ({
  name: rowTitle(repeated, task),
  draw: (layout, name) => runningLine(task, name, layout),
});

const waitingRow = (repeated: Repeated, task: WaitingTask): Row => ({
  name: rowTitle(repeated, task),
  draw: (layout, name) => waitingLine(task, name, layout),
});

// ── where the columns are ──────────────────────────────────────────────────────────────────────────────

/** The last column stays empty: some terminals wrap after a character there. */
function arrange(view: View, options: FrameOptions, rows: readonly Row[]): Layout {
  const columns = Math.max(1, options.width - 1);
  const widest = rows.reduce((most, { name }) => Math.max(most, width(name)), allTasks.length);
  const wanted = Math.max(widest, options.labelWidth ?? 0);
  const share = view.hasLabels ? labelledShare : nameShare;
  const label = Math.min(wanted, Math.max(allTasks.length, Math.floor(columns * share)));
  const candidates = overallFigures(view, options);
  for (const figures of candidates) {
    const room = columns - label - Math.max(width(figures), taskFigures) - 4;
    const bar = Math.min(room, maxBar(columns));
    if (bar >= minBar) return { ...options, columns, label, taskLabel: label, bar, figures };
  }
  return withoutBars(options, columns, label, candidates);
}

function withoutBars(
  options: FrameOptions,
  columns: number,
  wanted: number,
  candidates: readonly string[],
): Layout {
  // Prefers figures that leave room for "All".
  const fitting = (room: number) => candidates.find((text) => columns - width(text) >= room);
  const figures = fitting(6) ?? fitting(5) ?? "";
  const label = Math.max(1, Math.min(wanted, columns - width(figures) - 3));
  const taskLabel = Math.max(1, columns - (isNarrow(columns) ? percentColumns : taskFigures) - 3);
  return { ...options, columns, label, taskLabel, bar: 0, figures };
}

/** Too narrow for the name, percent and time of a task: the time is left out. */
const isNarrow = (columns: number): boolean => columns < 26;

const maxBar = (columns: number): number => (columns >= 120 ? 40 : 30);

/** The figures of the overall line, from the most to the fewest. */
function overallFigures(view: View, { now, colors, glyphs, eta }: FrameOptions): string[] {
  const dot = colors.dim(glyphs.separator);
  const elapsed = colors.yellow(clock((view.finishedAt ?? now) - (view.startedAt ?? now)));
  const failed = view.failed > 0 ? [colors.red(`${grouped(view.failed)} failed`)] : [];
  const percent = view.complete || view.finishedAt !== undefined ? [overallPercent(view)] : [];
  const head = [...percent, countOf(view)].join(" ");
  const rate = view.complete || eta.perSecond === null ? [] : [`${rateOf(eta.perSecond)}/s`];
  const remaining =
    view.finishedAt === undefined && view.complete ? [colors.cyan(leftOf(eta))] : [];
  return [
    [head, ...failed, ...rate, elapsed, ...remaining].join(dot),
    [head, elapsed, ...remaining].join(dot),
    [head, elapsed].join(dot),
    head,
    ...percent,
  ];
}

const leftOf = ({ remainingMs }: Eta): string =>
  // Rounded up: 0:00:00 with work left would be wrong.
  remainingMs === null ? unknownClock : clock(Math.ceil(remainingMs / 1000) * 1000);

const rateOf = (perSecond: number): string =>
  perSecond < 10 ? perSecond.toFixed(1) : grouped(perSecond);

/** Rounded down: 100 % means that every task has finished. */
function overallPercent(view: View): string {
  const { total } = view;
  const percent = total === 0 ? 100 : Math.floor((100 * finishedCount(view)) / total);
  return percentOf(percent);
}

const percentOf = (percent: number): string => `${String(percent).padStart(3)}%`;

function countOf(view: View): string {
  const finished = countText(finishedCount(view));
  if (!view.complete && view.finishedAt === undefined) return `${finished} done`;
  const total = countText(view.total);
  return `${finished.padStart(total.length)}/${total}`;
}

const countText = (count: number): string => (count < 10_000 ? String(count) : grouped(count));

// ── the lines ──────────────────────────────────────────────────────────────────────────────────────────

function join(layout: Layout, icon: string, label: string, bar: string, figures: string): string {
  const parts = layout.bar === 0 ? [icon, label, figures] : [icon, label, bar, figures];
  return fit(parts.join(" "), layout.columns);
}

function overall(view: View, layout: Layout): string {
  const { colors, label } = layout;
  const name = label < allTasks.length ? "All".slice(0, label > 2 ? 3 : 0) : nameOf(view);
  const known = view.complete || view.finishedAt !== undefined;
  const bar = known ? overallBar(view, layout) : pulse(layout, view.startedAt ?? 0);
  return join(
    layout,
    overallIcon(view, layout),
    colors.bold(pad(name, label)),
    bar,
    layout.figures,
  );
}

const nameOf = ({ stopping, finishedAt }: View): string =>
  stopping === "no" || finishedAt !== undefined ? allTasks : "Stopping…";

function overallIcon(view: View, { colors, glyphs, now }: Layout): string {
  const status = view.finishedAt === undefined ? "running" : view.status;
  switch (status) {
    case "running":
      return view.stopping === "no"
        ? colors.cyan(spin(glyphs, now))
        : colors.yellow(spin(glyphs, now));
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

const spin = ({ spinner }: Glyphs, now: number): string =>
  spinner[Math.floor(now / spinnerMs) % spinner.length] ?? "";

/** Done tasks in one colour, the other finished ones in red, the rest as a thin line. */
function overallBar(view: View, { colors, glyphs, bar }: Layout): string {
  const total = Math.max(1, view.total);
  const finished = view.total === 0 ? 1 : finishedCount(view) / total;
  const wrong = view.failed + view.cancelled + view.skipped;
  const filled = Math.round(Math.min(1, finished) * bar);
  // One failure in a thousand is still visible.
  const red = wrong === 0 ? 0 : Math.min(filled, Math.max(1, Math.round((wrong / total) * bar)));
  const good = view.status === "done" && wrong === 0 ? colors.green : colors.bar;
  return (
    good(glyphs.full.repeat(filled - red)) +
    colors.red(glyphs.full.repeat(red)) +
    colors.track(glyphs.track.repeat(bar - filled))
  );
}

function taskBar({ colors, glyphs, bar }: Layout, progress: number): string {
  const halves = Math.round(Math.min(1, Math.max(0, progress)) * bar * 2);
  const full = halves >> 1;
  const half = halves % 2 === 1 ? glyphs.half : "";
  const rest = bar - full - half.length;
  return colors.bar(glyphs.full.repeat(full) + half) + colors.track(glyphs.track.repeat(rest));
}

/** A bar for unknown progress: a piece that moves to and fro. */
function pulse({ colors, glyphs, bar, now }: Layout, since: number): string {
  if (bar === 0) return "";
  const size = Math.max(2, Math.floor(bar / 5));
  const way = Math.max(1, bar - size);
  const phase = Math.floor(Math.max(0, now - since) / spinnerMs) % (2 * way);
  const at = phase < way ? phase : 2 * way - phase;
  return (
    colors.track(glyphs.track.repeat(at)) +
    colors.bar(glyphs.full.repeat(Math.min(size, bar - at))) +
    colors.track(glyphs.track.repeat(Math.max(0, bar - at - size)))
  );
}

function runningLine(task: RunningTask, name: string, layout: Layout): string {
  const { colors, glyphs, now } = layout;
  const { progress, startedAt } = task;
  const bar = progress === undefined ? pulse(layout, startedAt) : taskBar(layout, progress);
  const percent = progress === undefined ? "    " : percentOf(Math.floor(progress * 100));
  const icon =
    task.attempt === 1 ? colors.cyan(spin(glyphs, now)) : colors.yellow(spin(glyphs, now));
  const time = isNarrow(layout.columns) ? "" : ` ${colors.yellow(clock(now - startedAt))}`;
  return join(
    layout,
    icon,
    pad(name, layout.taskLabel, cutOf(task)),
    bar,
    percent + time + notes(task, layout),
  );
}

/** The attempt and the last message of the task, where they have room. */
function notes({ attempt, message }: RunningTask, layout: Layout): string {
  const { colors, glyphs, columns, label, bar } = layout;
  const dot = colors.dim(glyphs.separator);
  const room = columns - label - bar - taskFigures - 4;
  const note = attempt === 1 ? "" : dot + colors.yellow(`attempt ${attempt}`);
  const again = width(note) <= room ? note : "";
  const left = room - width(again) - glyphs.separator.length;
  if (message === undefined || message === "" || left < 8 || bar === 0) return again;
  return again + dot + colors.dim(fit(cellText(message), left));
}

function waitingLine(task: WaitingTask, name: string, layout: Layout): string {
  const { colors, glyphs, bar, columns, label } = layout;
  const when = countdown(task.retryAt - layout.now);
  const full = `attempt ${task.attempt} ${when}`;
  const text = bar === 0 || columns - label - bar - 4 < full.length ? when : full;
  const gaps = colors.track(`${glyphs.track} `.repeat(Math.ceil(bar / 2)).slice(0, bar));
  const taskLabel = bar === 0 ? Math.max(1, columns - text.length - 3) : layout.taskLabel;
  const icon = colors.yellow(glyphs.waiting);
  return join(
    layout,
    icon,
    colors.dim(pad(name, taskLabel, cutOf(task))),
    gaps,
    colors.yellow(text),
  );
}

/** The tasks in flight, for a log line. */
export const inFlightText = ({ running, waiting }: View): string => {
  // Between tasks, or after the last one: a commit or a hook is running.
  if (running.size === 0 && waiting.size === 0) return "the end of the run";
  const tasks = plural(running.size, "running task");
  return waiting.size === 0 ? tasks : `${tasks}, ${grouped(waiting.size)} waiting`;
};
