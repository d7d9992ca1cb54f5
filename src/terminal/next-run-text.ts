// What a run would do about each task, as text. Pure.

import { firstFew } from "../base/first-few.ts";
import { pad, plural, visible, width } from "../base/text.ts";
import type { NextReuse, NextRun, NextTask } from "../protocol/plan.ts";
import { changeText } from "./change-text.ts";
import { times } from "./reruns-text.ts";

/**
 * @param columns of the terminal; infinity where there is none
 * @param isPart of the plan (`--only`)
 */
export function nextRunText(next: NextRun, columns: number, isPart: boolean): string {
  switch (next.kind) {
    case "new":
      return newRunText(next, columns, isPart) + passedOverText(next);
    case "refused":
      return `Now, a run would be refused: ${next.because}\n`;
    case "continued":
      return `Run ${next.run} would be continued:\n${linesText(continued(next), columns)}${keptNote(next.tasks)}`;
  }
}

type Line = { readonly task: string; readonly text: string };
type New = Extract<NextRun, { kind: "new" }>;
type Continued = Extract<NextRun, { kind: "continued" }>;

function newRunText({ tasks, reuse }: New, columns: number, isPart: boolean): string {
  const which = isPart ? "these tasks run" : "every task runs";
  if (reuse.length === 0) return `A new run would begin: ${which}.\n`;
  const lines = tasks.map((task) => {
    const own = reuse.find((each) => each.task === task);
    return { task, text: own === undefined ? "runs: it has no `reuse`" : reuseText(own) };
  });
  return `A new run would begin:\n${linesText(lines, columns)}`;
}

function passedOverText({ passedOver }: New): string {
  if (passedOver === undefined) return "";
  const { run, params } = passedOver;
  const why =
    params === null ? "they differ in a secret or in --only" : `its params were ${visible(params)}`;
  return `Run ${run} was interrupted, and would not be continued: ${why}.\n`;
}

/** A definition without a task that is done may still be reused from earlier runs. */
const continued = ({ tasks, reuse }: Continued): Line[] =>
  tasks.map((each) => {
    const { task } = each;
    const own = reuse.find((other) => other.task === task);
    const begun = what(each);
    return { task, text: begun ?? (own === undefined ? nothingDone : reuseText(own)) };
  });

const nothingDone = "runs: nothing of it is done";

function reuseText({ run, results, why, changed, rows = "" }: NextReuse): string {
  switch (why) {
    case null:
      return results === 1
        ? `reused if its input is the same: run ${run} has its result`
        : `reused where the input is the same: run ${run} has ${plural(results, "result")}`;
    case "first":
      return "runs: no earlier run has a result of it";
    case "changed":
      return `runs: ${changed === null ? "something it depends on has changed" : changeText(changed)}`;
    case "unknown code":
      return "runs: not all of its code is known";
    case "none done":
      return `runs: it was not done in run ${run}`;
    case "too old":
      return `runs: the results of run ${run} are too old`;
    case "rows":
      return `runs: ${rows}`;
  }
}

/** Inputs, results, and which of the tasks depend on which, are known only during the run. */
function keptNote(tasks: readonly NextTask[]): string {
  if (tasks.every(({ kept }) => kept === 0)) return "";
  return tasks.some(({ rerun }) => rerun?.isKept === false && rerun.downstream === true)
    ? downstreamNote(tasks.filter(({ kept, follows }) => kept > 0 && follows === true))
    : "A kept task runs again if its input is another one then, such as a result that it reads.\n";
}

/** @param followers definitions that depend on one that runs again. None is known of a run of an earlier version */
const downstreamNote = (followers: readonly NextTask[]): string =>
  followers.length === 0
    ? "With --downstream, a kept task runs again if it depends on one that runs again.\n"
    : `With --downstream, a kept task of ${firstFew(
        followers.map(({ task }) => visible(task)),
        maxFollowers,
      )} runs again if it depends on one that runs again.\n`;

/** Names of definitions in a line. */
const maxFollowers = 10;

/** A longer name has its line alone. */
const maxName = 32;

function linesText(lines: readonly Line[], columns: number): string {
  const names = lines.map(({ task }) => visible(task));
  const column = Math.min(
    Math.max(0, ...names.map((name) => Math.min(maxName, width(name)))),
    Math.max(8, Math.floor(columns / 3)),
  );
  return lines
    .map((line, index) => {
      const name = names[index] ?? "";
      const room = columns - column - 5;
      const text = room < 16 ? line.text : Bun.wrapAnsi(line.text, room, { trim: true });
      const rest = " ".repeat(column + 4);
      const head = width(name) > column ? `  ${name}\n${rest}` : `  ${pad(name, column)}  `;
      return `${head}${text.split("\n").join(`\n${rest}`)}\n`;
    })
    .join("");
}

/** Undefined where nothing of it has begun. */
function what({ kept, rerun, failed }: NextTask): string | undefined {
  const parts = [
    ...(rerun === null ? [] : [again(rerun)]),
    ...(kept > 0 && rerun?.isKept !== true ? [`kept${times(kept)}`] : []),
    ...(failed > 0 ? [`runs again${times(failed)}: it failed`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

function again({ count, reason, isKept, ...more }: NonNullable<NextTask["rerun"]>): string {
  if (isKept) return `kept${times(count)}, as asked: ${changes[reason]}`;
  const { downstream, titles = [] } = more;
  const which = titles.length === 0 ? "" : `, ${firstFew(titles.map(visible), maxFollowers)}`;
  const further = downstream === true ? ", with what depends on it" : "";
  return `runs again${times(count)}: ${changes[reason]}${which}${further}`;
}

const changes = {
  code: "its code has changed",
  declared: "a file or a variable that it declares has changed",
  asked: "as asked",
};
