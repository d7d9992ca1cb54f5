// Earlier attempts of tasks as text. Pure.

import { failureLine } from "../base/failure.ts";
import { visible } from "../base/text.ts";
import type { SeenAttempt } from "../store/read/earlier-attempts.ts";
import type { SeenTask } from "../store/read/task-list.ts";
import { type Column, tableLines } from "../terminal/text-table.ts";
import { ago, firstLine, type TableView, took, withoutEmptyColumns } from "./run-table.ts";

const columns: readonly Column[] = [
  { title: "RUN", align: "right", optional: 4 },
  { title: "ID", align: "right" },
  { title: "ATTEMPT", align: "right" },
  { title: "OUTCOME" },
  { title: "MACHINE", shrinkTo: 8, optional: 2 },
  { title: "STARTED", optional: 3 },
  { title: "TIME", align: "right", optional: 1 },
  { title: "MESSAGE", shrinkTo: 16 },
];

/** A table of them; nothing where there are none. */
export function attemptTable(
  tasks: readonly SeenTask[],
  { now, width, colors }: TableView,
): readonly string[] {
  const rows = tasks.flatMap(({ run, id, earlierAttempts }) =>
    earlierAttempts.map(({ attempt, outcome, machine, startedAt, finishedAt, error }) => [
      String(run),
      String(id),
      String(attempt),
      { text: outcome, style: outcome === "error" ? colors.red : colors.yellow },
      machine ?? "",
      startedAt === null ? "" : ago(startedAt, now),
      took({ status: outcome, startedAt, finishedAt }, now),
      error === null ? "" : firstLine(failureLine(error)),
    ]),
  );
  if (rows.length === 0) return [];
  const table = tableLines(withoutEmptyColumns(columns, rows), { width, colors });
  return [colors.dim("Earlier attempts of these tasks"), ...table];
}

/** Lines of one task's failure. */
const maxLines = 3;

/** `attempts 1, 2: TimeoutError: timed out after 30 ms`. Without those that only say what the last attempt says too. */
export function attemptLines(attempts: readonly SeenAttempt[], last: string): readonly string[] {
  const groups: { readonly what: string; readonly numbers: number[] }[] = [];
  for (const each of attempts) {
    const what = whatOf(each);
    const group = groups.at(-1);
    if (group?.what === what) group.numbers.push(each.attempt);
    else groups.push({ what, numbers: [each.attempt] });
  }
  if (groups.every(({ what }) => what === last)) return [];
  const shown = groups.slice(-maxLines);
  const left = groups.length - shown.length;
  const lines = shown.map(({ what, numbers }) => {
    const which = numbers.length === 1 ? "attempt" : "attempts";
    return `${which} ${rangeOf(numbers)}: ${what === last ? "the same" : visible(what)}`;
  });
  return left === 0 ? lines : ["…", ...lines];
}

function whatOf({ outcome, error }: SeenAttempt): string {
  const message = error === null ? "" : firstLine(failureLine(error));
  if (outcome === "error") return message;
  return message === "" ? outcome : `${outcome}: ${message}`;
}

/** `1`, `1, 2`, `1–5` */
function rangeOf(numbers: readonly number[]): string {
  const [first = 0] = numbers;
  const isRange = numbers.length > 2 && numbers.every((number, i) => number === first + i);
  return isRange ? `${first}–${numbers.at(-1)}` : numbers.join(", ");
}
