// What the tasks of a run have cost, by definition, as a table. Pure.

import { duration } from "../base/format-duration.ts";
import { grouped } from "../base/text.ts";
import type { DefinitionCosts } from "../store/read/task-costs.ts";
import { type Column, tableLines } from "../terminal/text-table.ts";
import { type TableView, withoutEmptyColumns } from "./run-table.ts";

const columns: readonly Column[] = [
  { title: "DEFINITION", shrinkTo: 10 },
  { title: "TASKS", align: "right" },
  { title: "MEDIAN", align: "right" },
  { title: "LONGEST", align: "right", optional: 1 },
  { title: "ROWS", align: "right", optional: 2 },
  { title: "CPU", align: "right", optional: 3 },
  { title: "WAITED", align: "right", optional: 4 },
];

/** `WAITED` is the longest. Nothing where no task has begun. */
export const costTable = (
  definitions: readonly DefinitionCosts[],
  { width, colors }: TableView,
): readonly string[] =>
  definitions.length === 0
    ? []
    : tableLines(
        withoutEmptyColumns(
          columns,
          definitions.map(
            ({ name, tasks, medianMs, maxMs, rows, cpuMs, cpuTasks, maxWaitedMs }) => [
              name,
              grouped(tasks),
              medianMs === null ? "" : duration(medianMs),
              maxMs === null || tasks === 1 ? "" : duration(maxMs),
              rows === null || rows === 0 ? "" : grouped(rows),
              // Short tasks, and those that share a thread, are not measured.
              cpuMs === null || cpuMs === 0
                ? ""
                : `${cpuTasks < tasks ? "≥ " : ""}${duration(cpuMs)}`,
              maxWaitedMs === null || maxWaitedMs === 0 ? "" : duration(maxWaitedMs),
            ],
          ),
        ),
        { width, colors },
      );
