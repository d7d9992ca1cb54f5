// The failures of a run as text: the message, the place in the user's file, the tasks, and what they logged last. Pure.

import { failureLine } from "../base/failure.ts";
import { fit, grouped, visible } from "../base/text.ts";
import { titleOf } from "../protocol/label.ts";
import type { FailedTask, FailureGroup } from "../store/read/failed-tasks.ts";
import type { Glyphs } from "../terminal/glyphs.ts";
import { attemptLines } from "./attempts-view.ts";
import { firstLine, type TableView } from "./run-table.ts";

type FailuresView = TableView & {
  readonly glyphs: Glyphs;
  /** `etl.ts:22:85`; undefined when the stack names no file of the user's. */
  readonly placeOf: (stack: string) => string | undefined;
};

/** Messages that are shown. */
const maxShown = 5;
/** Rows of one message. */
const maxRows = 4;
const indent = "  ";

export function failureLines(groups: readonly FailureGroup[], view: FailuresView): string[] {
  const shown = groups.slice(0, maxShown).flatMap((group) => groupLines(group, view));
  const rest = groups.slice(maxShown).reduce((sum, { count }) => sum + count, 0);
  const more = rest === 0 ? [] : [view.colors.dim(`… and ${grouped(rest)} with other messages`)];
  return [...shown, ...more].map((line) => fit(line, view.width));
}

function groupLines(
  { message: text, tasks, count, logs }: FailureGroup,
  view: FailuresView,
): string[] {
  const { colors, glyphs } = view;
  const [first, ...others] = tasks;
  if (first === undefined) return [];
  const message = visible(firstLine(text));
  const head = `${colors.red(glyphs.failed)} ${nameOf(first, view)}: ${colors.red(message)}`;
  const lines = wrapped(head, view.width);
  const about = [view.placeOf(first.failure.stack ?? ""), attemptsOf(first), whereOf(first)];
  const facts = about.filter((fact) => fact !== undefined).join(", ");
  if (facts !== "") lines.push(colors.dim(`  ${facts}`));
  const last = firstLine(failureLine(first.failure));
  for (const line of attemptLines(first.earlierAttempts, last)) lines.push(colors.dim(`  ${line}`));
  for (const { line } of logs) lines.push(colors.dim(`  ${glyphs.rest} ${visible(line)}`));
  if (count > 1) lines.push(colors.dim(`  ${alsoLine(others, count)}`));
  return lines;
}

/** A message is cut last: it may take several rows. */
function wrapped(text: string, width: number): string[] {
  if (Bun.stringWidth(text) <= width) return [text];
  const [first = "", ...more] = Bun.wrapAnsi(text, width - indent.length).split("\n");
  return [first, ...more.slice(0, maxRows - 1).map((line) => indent + line)];
}

const nameOf = ({ id, name, label }: FailedTask, { colors }: FailuresView): string =>
  `${colors.bold(visible(titleOf(name, label)))} #${id}`;

const attemptsOf = ({ attempt }: FailedTask): string | undefined =>
  attempt > 1 ? `${attempt} attempts` : undefined;

const whereOf = ({ machine }: FailedTask): string | undefined =>
  machine === null ? undefined : `on ${visible(machine)}`;

/** `and 29 more like it: load #5, load #6, …` */
function alsoLine(others: readonly FailedTask[], count: number): string {
  const named = others.map(({ id, name, label }) => `${visible(titleOf(name, label))} #${id}`);
  const rest = count - 1 > others.length ? ", …" : "";
  return `and ${grouped(count - 1)} more like it: ${named.join(", ")}${rest}`;
}
