// The screen of `pipeloom worker`: how busy it is, its connection, the runs that it works for, and the tasks in its slots. Pure.

import type { Palette } from "../base/palette.ts";
import { clock } from "../base/format-duration.ts";
import { cellText, fit, fitMiddle, grouped, pad, width } from "../base/text.ts";
import { pulse, spinnerAt, taskBar } from "./bars.ts";
import type { Glyphs } from "./glyphs.ts";
import { maxLines } from "./frame.ts";
import { percentOf } from "./frame-layout.ts";

export type ShownWorkerTask = {
  readonly title: string;
  /** `etl run 3` */
  readonly run: string;
  readonly attempt: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** 0..1; undefined if it has reported none. */
  readonly progress: number | undefined;
  readonly message: string | undefined;
};

export type WorkerView = {
  readonly name: string;
  /** The address of the engine. */
  readonly engine: string;
  /** Times are epoch ms. */
  readonly startedAt: number;
  /** Since when the engine has not answered; undefined while it does. */
  readonly lostAt: number | undefined;
  readonly threads: number;
  readonly busyThreads: number;
  readonly slots: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly perSecond: number;
  /** `etl run 3` */
  readonly runs: readonly string[];
  readonly tasks: readonly ShownWorkerTask[];
  /** `ending`: it takes no more tasks. `ended`: the last frame. */
  readonly state: "working" | "ending" | "ended";
};

/** `labelWidth`: of the names, columns. */
type WorkerFrame = { readonly lines: readonly string[]; readonly labelWidth: number };

type WorkerFrameOptions = {
  readonly width: number;
  readonly height: number;
  readonly now: number;
  readonly colors: Palette;
  readonly glyphs: Glyphs;
  /** Width of the names in the last frame, columns. It only grows, so that the bars do not move. */
  readonly labelWidth?: number;
};

type Layout = WorkerFrameOptions & {
  readonly columns: number;
  /** Columns of the names. */
  readonly label: number;
  /** Columns of the bars; 0 where they have no room. */
  readonly bar: number;
  /** The figures of the first line. */
  readonly figures: string;
};

const minBar = 6;
/** With fewer columns, figures are worth more than a bar, and notes are left out. */
const wideFrom = 60;
const leastNote = 8;
const mostBar = 30;
const mostLabel = 0.3;
const leastLabel = 8;
/** `100% 0:00:03` */
const taskFigures = 12;

export function workerFrame(view: WorkerView, options: WorkerFrameOptions): WorkerFrame {
  const { height, labelWidth: before = 0 } = options;
  const titles = view.tasks.map(({ title }) => width(cellText(title)));
  const labelWidth = Math.max(before, width(cellText(view.name)), ...titles);
  const layout = arrange(view, options, labelWidth);
  const room = maxLines(height);
  const lines =
    view.state === "ended"
      ? [endedLine(view, layout)]
      : [busyLine(view, layout), connectionLine(view, layout), runsLine(view, layout)];
  if (view.state !== "ended") lines.push(...taskLines(view, layout, room - lines.length));
  return { lines: lines.slice(0, room).map((line) => fit(line, layout.columns)), labelWidth };
}

/** The last column stays empty: some terminals wrap after a character there. */
function arrange(view: WorkerView, options: WorkerFrameOptions, widest: number): Layout {
  const columns = Math.max(1, options.width - 1);
  const label = Math.min(widest, Math.max(leastLabel, Math.floor(columns * mostLabel)));
  const candidates = figuresOf(view, options);
  const barBeside = (figures: number): number => Math.min(mostBar, columns - label - 4 - figures);
  if (columns >= wideFrom) {
    for (const figures of candidates) {
      const bar = barBeside(Math.max(width(figures), taskFigures));
      if (bar >= minBar) return { ...options, columns, label, bar, figures };
    }
  }
  const left = columns - 3 - Math.min(label, width(view.name));
  const figures = candidates.find((each) => width(each) <= left) ?? "";
  const bar = barBeside(taskFigures);
  return { ...options, columns, label, bar: bar < minBar ? 0 : bar, figures };
}

/** From the most to the fewest. */
function figuresOf(view: WorkerView, { colors, glyphs, now }: WorkerFrameOptions): string[] {
  const dot = colors.dim(glyphs.separator);
  const { threads, busyThreads, slots, running, perSecond } = view;
  const ofThreads = `${busyThreads}/${threads} threads`;
  const ofSlots = slots > threads ? [`${running}/${slots} slots`] : [];
  const ended = endedOf(view, colors);
  const rate = `${rateOf(perSecond)}/s`;
  const elapsed = clock(now - view.startedAt);
  return [
    [ofThreads, ...ofSlots, ...ended, rate, elapsed],
    [ofThreads, ...ofSlots, ...ended, rate],
    [ofThreads, ...ended, rate],
    [`${busyThreads}/${threads}`, ...ended, rate],
    [`${busyThreads}/${threads}`, ...ended],
    [`${busyThreads}/${threads}`],
  ].map((parts) => parts.join(dot));
}

const endedOf = ({ done, failed }: WorkerView, colors: Palette): readonly string[] => [
  `${grouped(done)} done`,
  ...(failed > 0 ? [colors.red(`${grouped(failed)} failed`)] : []),
];

/** The last frame, which stays. */
function endedLine(view: WorkerView, { colors, glyphs, now }: Layout): string {
  const facts = [...endedOf(view, colors), clock(now - view.startedAt)];
  const name = colors.bold(cellText(view.name));
  return `${colors.cyan(glyphs.info)} ${name} ${facts.join(colors.dim(glyphs.separator))}`;
}

const rateOf = (perSecond: number): string =>
  perSecond < 10 ? perSecond.toFixed(1) : grouped(Math.round(perSecond));

function busyLine(view: WorkerView, layout: Layout): string {
  const { colors, columns, label, bar, figures } = layout;
  const icon = iconOf(view, layout);
  const shown = cellText(view.name);
  if (columns < wideFrom) return [icon, colors.bold(fitMiddle(shown, label)), figures].join(" ");
  const busy = taskBar(layout, bar, view.running / view.slots);
  return [icon, colors.bold(pad(shown, label, fitMiddle)), busy, figures].join(" ");
}

function iconOf({ state, lostAt }: WorkerView, { colors, glyphs, now }: Layout): string {
  const spin = spinnerAt(glyphs, now);
  return state === "ending" || lostAt !== undefined ? colors.yellow(spin) : colors.cyan(spin);
}

const connectionLine = ({ engine, lostAt }: WorkerView, { colors, now }: Layout): string =>
  lostAt === undefined
    ? `  connected to ${engine}`
    : colors.yellow(`  reconnecting for ${clock(now - lostAt)} to ${engine}`);

function runsLine({ runs, state }: WorkerView, { columns, colors }: Layout): string {
  const lead = state === "ending" ? "  ending: " : "  ";
  if (runs.length === 0) return colors.dim(`${lead}waits for runs`);
  let text = `${lead}works for ${cellText(runs[0] ?? "")}`;
  for (const [i, run] of runs.slice(1).entries()) {
    const next = `${text}, ${cellText(run)}`;
    const left = runs.length - i - 2;
    const more = left > 0 ? ` + ${left} more` : "";
    if (width(next + more) > columns) return `${text} + ${left + 1} more`;
    text = next;
  }
  return text;
}

function taskLines(view: WorkerView, layout: Layout, room: number): readonly string[] {
  const { tasks, running, runs } = view;
  if (room < 1) return [];
  const shown = tasks.length <= room && running <= tasks.length ? tasks : tasks.slice(0, room - 1);
  const lines = shown.map((task) => taskLine(task, layout, runs.length > 1));
  // Short tasks are counted, and have no line.
  const more = running - shown.length;
  return more > 0 ? [...lines, layout.colors.dim(`  + ${grouped(more)} more running`)] : lines;
}

function taskLine(task: ShownWorkerTask, layout: Layout, hasRuns: boolean): string {
  const { colors, glyphs, now, bar, columns } = layout;
  const { progress, startedAt, attempt } = task;
  const spin = spinnerAt(glyphs, now);
  const icon = attempt === 1 ? colors.cyan(spin) : colors.yellow(spin);
  const percent = progress === undefined ? "    " : percentOf(Math.floor(progress * 100));
  const figures = `${percent} ${clock(now - startedAt)}`;
  const label = bar === 0 ? Math.max(1, columns - width(figures) - 3) : layout.label;
  const title = pad(cellText(task.title), label, fitMiddle);
  if (bar === 0) return [icon, title, figures].join(" ");
  const drawn =
    progress === undefined ? pulse(layout, bar, startedAt) : taskBar(layout, bar, progress);
  const line = [icon, title, drawn, figures].join(" ");
  return columns < wideFrom ? line : line + notesOf(task, layout, columns - width(line), hasRuns);
}

/** The attempt, the run and the last message of the task, where they have room. */
function notesOf(task: ShownWorkerTask, layout: Layout, room: number, hasRuns: boolean): string {
  const { colors, glyphs } = layout;
  const { attempt, run, message = "" } = task;
  const dot = colors.dim(glyphs.separator);
  const notes = [
    ...(attempt === 1 ? [] : [colors.yellow(`attempt ${attempt}`)]),
    ...(hasRuns ? [cellText(run)] : []),
    ...(message === "" ? [] : [colors.dim(cellText(message))]),
  ];
  let shown = "";
  for (const note of notes) {
    const left = room - width(shown) - glyphs.separator.length;
    if (left >= Math.min(width(note), leastNote)) shown += dot + fit(note, left);
  }
  return shown;
}
