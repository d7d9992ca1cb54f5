// The summary of a run as lines. Pure.

import { failureLine } from "../base/failure.ts";
import type { TaskId } from "../protocol/ids.ts";
import { titleOf } from "../protocol/label.ts";
import { dbFlag, pathWord, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { rerunCommand, resumeFlag } from "../protocol/rerun-command.ts";
import { nothingSelected, type RunSummary } from "../protocol/summary.ts";
import type { Palette } from "../base/palette.ts";
import { paletteOf } from "../base/palette.ts";
import { costLines, fitting, slowFromMs } from "./costs-text.ts";
import { duration } from "../base/format-duration.ts";
import {
  fit,
  fitMiddle,
  grouped,
  pad,
  plural,
  relative,
  visible,
  width,
  wrapped,
} from "../base/text.ts";

/** With more failures than this, equal messages are counted and the tasks are not named. */
const maxShown = 5;
/** Columns of the names of failed tasks. */
const maxNameColumns = 48;

/** What a command says below the headline, instead of the usual next commands: results, and commands to type. */
export type Epilogue = {
  readonly results: readonly string[];
  readonly commands: readonly string[];
};

type SummaryOptions = {
  readonly colors?: Palette;
  /** Of the terminal: longer lines are broken at words, and what a line lists is as much as has room. Default: no limit. */
  readonly columns?: number;
  /** Only failures. */
  readonly quiet?: boolean;
  /** Paths below this folder are shown relative to it. */
  readonly cwd?: string;
  /** Arguments of `pipeloom run` that name this run: the file and the params. Default: the file. */
  readonly again?: readonly string[] | undefined;
  readonly epilogue?: Epilogue | undefined;
};

export function summaryLines(summary: RunSummary, options: SummaryOptions = {}): string[] {
  const colors = options.colors ?? paletteOf(0);
  const { quiet = false, columns = Infinity } = options;
  if (quiet && summary.status === "done") return [];
  const said = [
    headline(summary, colors, options.cwd ?? ""),
    ...reason(summary, colors),
    ...failures(summary, colors),
    ...(options.epilogue?.results ?? []).map((line) => `  ${visible(line)}`),
    ...(quiet ? [] : costs(summary, colors, columns)),
  ];
  return [
    ...said.flatMap((line) => wrapped(line, columns)),
    // A command that is broken at its words cannot be copied.
    ...next(summary, colors, options),
  ];
}

function headline(summary: RunSummary, colors: Palette, cwd: string): string {
  const took = `in ${duration(summary.finishedAt - summary.startedAt)}`;
  const where = colors.dim(`→ ${visible(relative(summary.db, cwd))}`);
  const text = `${colors.bold(visible(summary.pipeline))} ${verdict(summary)}: ${counts(summary, colors)} ${took} ${where}`;
  if (summary.status === "done") return `${colors.green("✔")} ${text}`;
  return summary.status === "cancelled"
    ? `${colors.yellow("■")} ${text}`
    : `${colors.red("✖")} ${text}`;
}

function verdict({ status }: RunSummary): string {
  if (status === "done") return "done";
  return status === "cancelled" ? "was cancelled" : "failed";
}

function counts(summary: RunSummary, colors: Palette): string {
  const { alreadyDone, reused } = summary;
  const earlier = [
    ...(alreadyDone > 0 ? [`${grouped(alreadyDone)} before`] : []),
    ...(reused > 0 ? [`${grouped(reused)} reused`] : []),
  ];
  const before = earlier.length === 0 ? "" : ` (${earlier.join(", ")})`;
  const parts = [`${grouped(summary.done)} of ${plural(summary.total, "task")} done${before}`];
  if (summary.failed > 0) parts.push(colors.red(`${grouped(summary.failed)} failed`));
  if (summary.cancelled > 0) parts.push(colors.yellow(`${grouped(summary.cancelled)} cancelled`));
  if (summary.skipped > 0) parts.push(colors.yellow(`${grouped(summary.skipped)} skipped`));
  if (summary.interrupted > 0) parts.push(`${grouped(summary.interrupted)} interrupted`);
  if (summary.queued > 0) parts.push(`${grouped(summary.queued)} not started`);
  if (summary.retries > 0) parts.push(plural(summary.retries, "retry", "retries"));
  return parts.join(", ");
}

const reason = ({ failure }: RunSummary, colors: Palette): string[] =>
  failure === null ? [] : [`  ${colors.red(readable(failureLine(failure)))}`];

function failures(summary: RunSummary, colors: Palette): string[] {
  if (summary.failed === 0) return [];
  const repeated = summary.failureGroups.some(({ count }) => count > 1);
  return repeated && summary.failed > maxShown ? groups(summary, colors) : singles(summary, colors);
}

function singles({ failed, failures: first }: RunSummary, colors: Palette): string[] {
  const shown = first.slice(0, maxShown);
  const names = titlesOf(shown);
  const column = Math.min(maxNameColumns, Math.max(0, ...names.map(width)));
  const lines = shown.map(
    ({ failure }, i) =>
      `  ${colors.red("✖")} ${pad(names[i] ?? "", column, fitMiddle)}  ${readable(failureLine(failure))}`,
  );
  return [...lines, ...others(failed - shown.length, colors, shown.length > 0)];
}

/** A few lines of a terminal. The log and the database have the whole message. */
const maxMessageColumns = 500;
const readable = (message: string): string => fit(visible(message), maxMessageColumns);

type Named = { readonly id: TaskId; readonly name: string; readonly label?: string };

/** With the id where several have the same title. */
function titlesOf(tasks: readonly Named[]): string[] {
  const titles = tasks.map((task) => titleOf(task.name, task.label));
  return tasks.map(({ id }, i) => {
    const title = titles[i] ?? "";
    const isAlone = titles.filter((other) => other === title).length === 1;
    return visible(isAlone ? title : `${title} #${id}`);
  });
}

function groups({ failed, failureGroups }: RunSummary, colors: Palette): string[] {
  const shown = failureGroups.slice(0, maxShown);
  const lines = shown.flatMap(({ message, count, tasks }) => [
    `  ${colors.red("✖")} ${grouped(count)} × ${readable(message)}`,
    ...whichOf(tasks, count, colors),
  ]);
  const rest = failed - shown.reduce((sum, { count }) => sum + count, 0);
  return [...lines, ...others(rest, colors, shown.length > 0)];
}

/** `extract day=2025-01-13, extract day=2025-02-13, …`, where that says more than one name. */
function whichOf(tasks: readonly string[], count: number, colors: Palette): string[] {
  if (new Set(tasks).size < tasks.length) return [];
  const more = count > tasks.length ? ", …" : "";
  return [`    ${colors.dim(tasks.map(visible).join(", ") + more)}`];
}

function others(count: number, colors: Palette, after: boolean): string[] {
  const what = after ? `… and ${plural(count, "other failure")}` : plural(count, "failure");
  return count > 0 ? [`  ${colors.dim(what)}`] : [];
}

const costs = (summary: RunSummary, colors: Palette, columns: number): string[] => [
  ...slowest(summary, colors, columns),
  ...costLines(summary, columns).map((line) => `  ${colors.dim(line)}`),
];

function slowest(summary: RunSummary, colors: Palette, columns: number): string[] {
  const fromMs = slowFromMs(summary);
  const worth = summary.slowest.filter(({ durationMs }) => durationMs >= fromMs).slice(0, 3);
  if (worth.length < 2) return [];
  const titles = titlesOf(worth);
  const list = worth.map(({ durationMs }, i) => `${titles[i]} ${duration(durationMs)}`);
  const [first = "", ...more] = list;
  return [`  ${colors.dim(fitting([`slowest: ${first}`, ...more], columns - 2))}`];
}

function next(summary: RunSummary, colors: Palette, options: SummaryOptions): string[] {
  const commands = options.epilogue?.commands ?? usualCommands(summary, options);
  return commands.map((command) => `  ${colors.dim("next:")} ${colors.cyan(visible(command))}`);
}

function usualCommands(summary: RunSummary, { cwd = "", again }: SummaryOptions): string[] {
  if (summary.db === ":memory:") return [];
  const db = relative(summary.db, cwd);
  const commands = [pipeloomCommand("status", ...dbFlag(db))];
  const mayGoOn = summary.status !== "done" && summary.failure?.code !== nothingSelected;
  if (mayGoOn && summary.file !== null) {
    const words = again ?? [pathWord(relative(summary.file, cwd))];
    commands.push(
      summary.status === "error" && summary.rerun !== null
        ? rerunCommand(words, db, summary.run)
        : pipeloomCommand("run", ...words, ...dbFlag(db), ...resumeFlag(words)),
    );
  }
  return commands;
}
