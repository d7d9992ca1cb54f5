// Where the columns of a frame are, and which figures of the whole run have room. Pure.

import type { Palette } from "../base/palette.ts";
import { clock } from "../base/format-duration.ts";
import type { Eta } from "./eta.ts";
import type { Glyphs } from "./glyphs.ts";
import { grouped, width } from "../base/text.ts";
import { finishedCount, type View } from "./view.ts";

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

export const allOf = ({ noun }: View): string => `All ${noun}s`;
const minBar = 6;
export const percentColumns = 4;
/** Of the columns, for names; and for names with labels: `transform day=2025-05-13` nearly has room in 80. */
const nameShare = 0.22;
const labelledShare = 0.3;
/** With fewer columns, names that are cut are worth more than bars. */
const barsOfTasksFrom = 60;

export type Layout = FrameOptions & {
  readonly columns: number;
  readonly label: number;
  /** Equal to `label`, except without bars: then nothing has to line up. */
  readonly taskLabel: number;
  /** Columns of the bar of all tasks; 0 where it has no room. */
  readonly bar: number;
  /** Columns of the bars of tasks. */
  readonly taskBar: number;
  /** Columns of the time of a task. */
  readonly time: number;
  /** The figures of the overall line. */
  readonly figures: string;
};

type Names = {
  /** Of the names that are shown. */
  readonly widest: number;
  /** When the first of them began; undefined without one. */
  readonly oldest: number | undefined;
};

/** The last column stays empty: some terminals wrap after a character there. */
export function arrange(view: View, options: FrameOptions, names: Names): Layout {
  const columns = Math.max(1, options.width - 1);
  const { now, labelWidth = 0 } = options;
  const all = allOf(view).length;
  const wanted = Math.max(names.widest, labelWidth, all);
  const share = view.hasLabels ? labelledShare : nameShare;
  const label = Math.min(wanted, Math.max(all, Math.floor(columns * share)));
  const time = clock(now - (names.oldest ?? now)).length;
  const taskFigures = percentColumns + 1 + time;
  const isCut = columns < barsOfTasksFrom && wanted > label;
  const figures = overallFigures(view, options);
  for (const each of figures) {
    const room = columns - label - Math.max(each.columns, taskFigures) - 4;
    const bar = Math.min(room, maxBar(columns));
    if (bar < minBar) continue;
    const ofTasks = isCut
      ? { taskLabel: taskLabelWithoutBar(columns, taskFigures), taskBar: 0 }
      : { taskLabel: label, taskBar: bar };
    return { ...options, columns, label, bar, time, figures: each.text, ...ofTasks };
  }
  const texts = figures.map(({ text }) => text);
  return { ...withoutBars(options, columns, label, texts), time };
}

function withoutBars(
  options: FrameOptions,
  columns: number,
  wanted: number,
  candidates: readonly string[],
): Omit<Layout, "time"> {
  // Prefers figures that leave room for "All".
  const fitting = (room: number) => candidates.find((text) => columns - width(text) >= room);
  const figures = fitting(6) ?? fitting(5) ?? "";
  const label = Math.max(1, Math.min(wanted, columns - width(figures) - 3));
  const taskFigures = isNarrow(columns) ? percentColumns : percentColumns + 1 + "0:00".length;
  const taskLabel = taskLabelWithoutBar(columns, taskFigures);
  return { ...options, columns, label, taskLabel, bar: 0, taskBar: 0, figures };
}

const taskLabelWithoutBar = (columns: number, taskFigures: number): number =>
  Math.max(1, columns - taskFigures - 3);

/** Too narrow for the name, percent and time of a task: the time is left out. */
export const isNarrow = (columns: number): boolean => columns < 26;

const maxBar = (columns: number): number => (columns >= 120 ? 40 : 30);

/** Columns that the figures may soon have: the bar does not move when the remaining time becomes known. */
type Figures = { readonly text: string; readonly columns: number };

/** The figures of the overall line, from the most to the fewest. */
function overallFigures(view: View, options: FrameOptions): Figures[] {
  const { colors, glyphs, eta, now } = options;
  const dot = colors.dim(glyphs.separator);
  const elapsed = clock((view.finishedAt ?? now) - (view.startedAt ?? now));
  const failed = view.failed > 0 ? [colors.red(`${grouped(view.failed)} failed`)] : [];
  const percent = view.complete || view.finishedAt !== undefined ? [overallPercent(view)] : [];
  const count = countOf(view);
  const head = [...percent, count].join(" ");
  const rate = view.complete || eta.perSecond === null ? [] : [`${rateOf(eta.perSecond)}/s`];
  const left = leftOf(view, eta);
  const remaining = left === undefined || left === "" ? [] : [colors.cyan(left)];
  const last = remaining.length > 0 ? remaining : [elapsed];
  const reserved = left === "" ? unknownLeft.length : 0;
  const joined = (parts: readonly string[], more = 0): Figures => {
    const text = parts.join(dot);
    return { text, columns: width(text) + more };
  };
  return [
    joined(
      [head, ...failed, ...rate, [`${elapsed} elapsed`, ...remaining].join(", ")],
      reserved + (reserved > 0 ? 2 : 0),
    ),
    joined([head, ...failed, ...last]),
    joined([head, ...last]),
    joined([count, ...last]),
    joined([...(percent.length > 0 ? percent : [count]), ...last]),
    joined([head]),
    ...percent.map((text) => joined([text])),
  ];
}

const unknownLeft = "~0:00 left";

/** `~0:04 left`; empty while it is not known yet, undefined where it will not be. */
function leftOf(view: View, { remainingMs }: Eta): string | undefined {
  if (view.finishedAt !== undefined || !view.complete || view.stopping !== "no") return undefined;
  // Rounded up: 0:00 with work left would be wrong.
  return remainingMs === null ? "" : `~${clock(Math.ceil(remainingMs / 1000) * 1000)} left`;
}

const rateOf = (perSecond: number): string =>
  perSecond < 10 ? perSecond.toFixed(1) : grouped(perSecond);

/** 0..1, with what the running tasks have done. */
export function overallProgress(view: View): number {
  const { total, partial, finishedAt, status } = view;
  if (total === 0 || (finishedAt !== undefined && status === "done")) return 1;
  return Math.min(1, (finishedCount(view) + Math.max(0, partial)) / total);
}

/** Rounded down: 100 % means that every task has finished. */
function overallPercent(view: View): string {
  const percent = Math.floor(100 * overallProgress(view));
  const isOver = view.finishedAt !== undefined && view.status === "done";
  const isWhole = isOver || finishedCount(view) >= view.total;
  return percentOf(isWhole ? percent : Math.min(99, percent));
}

export const percentOf = (percent: number): string => `${String(percent).padStart(3)}%`;

function countOf(view: View): string {
  const finished = grouped(finishedCount(view));
  if (!view.complete && view.finishedAt === undefined) return `${finished} done`;
  const total = grouped(view.total);
  return `${finished.padStart(total.length)}/${total}`;
}
