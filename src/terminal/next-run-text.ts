// What a run would do about each task, as text. Pure.

import { grouped, pad, visible, width } from "../base/text.ts";
import type { NextRun, NextTask } from "../protocol/plan.ts";

/** @param columns of the terminal; infinity where there is none */
export function nextRunText(next: NextRun, columns: number): string {
  switch (next.kind) {
    case "new":
      return "A new run would begin: every task runs.\n";
    case "refused":
      return `Now, a run would be refused: ${next.because}\n`;
    case "continued":
      return `Run ${next.run} would be continued:\n${tasksText(next.tasks, columns)}${keptNote(next.tasks)}`;
  }
}

/** Results are known only during the run. */
const keptNote = (tasks: readonly NextTask[]): string =>
  tasks.some(({ kept }) => kept > 0) && tasks.some(({ rerun }) => rerun?.isKept === false)
    ? "A kept task runs again if a result that it reads is another one then.\n"
    : "";

/** A longer name has its line alone. */
const maxName = 32;

function tasksText(tasks: readonly NextTask[], columns: number): string {
  const names = tasks.map(({ task }) => visible(task));
  const column = Math.min(
    Math.max(0, ...names.map((name) => Math.min(maxName, width(name)))),
    Math.max(8, Math.floor(columns / 3)),
  );
  return tasks
    .map((task, index) => {
      const name = names[index] ?? "";
      const room = columns - column - 5;
      const text = room < 16 ? what(task) : Bun.wrapAnsi(what(task), room, { trim: true });
      const rest = " ".repeat(column + 4);
      const head = width(name) > column ? `  ${name}\n${rest}` : `  ${pad(name, column)}  `;
      return `${head}${text.split("\n").join(`\n${rest}`)}\n`;
    })
    .join("");
}

function what({ kept, rerun, failed }: NextTask): string {
  const parts = [
    ...(rerun === null ? [] : [again(rerun)]),
    ...(kept > 0 && rerun?.isKept !== true ? [`kept${times(kept)}`] : []),
    ...(failed > 0 && rerun?.reason !== "asked" ? [`runs again${times(failed)}: it failed`] : []),
  ];
  return parts.length === 0 ? "runs: nothing of it is done" : parts.join("; ");
}

const again = ({ count, reason, isKept, downstream }: NonNullable<NextTask["rerun"]>): string =>
  isKept
    ? `kept${times(count)}, as asked: its code has changed`
    : `runs again${times(count)}: ${reason === "code" ? "its code has changed" : "as asked"}${downstream === true ? ", with what depends on it" : ""}`;

const times = (count: number): string => (count === 1 ? "" : ` (×${grouped(count)})`);
