// The failed tasks of a run, in groups of one message, for `status`.

import { type Failure, failureLine } from "../../base/failure.ts";
import { withoutNumbers } from "../../base/text.ts";
import type { RunId } from "../../protocol/ids.ts";
import { ofRunWith } from "../own-tables.ts";
import { earlierAttempts, type SeenAttempt } from "./earlier-attempts.ts";
import { failure, number, storedTaskId } from "./stored-values.ts";
import type { Reader } from "./reader.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import { type LogRow, lastLines } from "./task-logs.ts";

export type FailedTask = {
  readonly id: number;
  readonly name: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  /** How often it was tried. */
  readonly attempt: number;
  readonly failure: Failure;
  /** The last 20 at most, oldest first. */
  readonly earlierAttempts: readonly SeenAttempt[];
};

export type FailureGroup = {
  /** Of the first of `tasks`. */
  readonly message: string;
  /** The first tasks that failed with this message, or one that differs only in numbers; by id. */
  readonly tasks: readonly FailedTask[];
  /** How many tasks failed with it. */
  readonly count: number;
  /** The last log lines of the first of `tasks`, oldest first. */
  readonly logs: readonly LogRow[];
};

/** Messages and tasks that are kept; the rest is counted. */
const maxGroups = 100;
const maxTasks = 3;
const maxLogs = 3;

/** The largest group first. */
export function failureGroups(reader: Reader, run: RunId): readonly FailureGroup[] {
  const groups = new Map<string, { tasks: FailedTask[]; count: number }>();
  const { rows } = reader.iterate(
    `SELECT id, name, attempt, error, ${itemColumns(reader)} FROM task_runs WHERE ${ofRunWith("?1", "error")} ORDER BY run_id, id`,
    [run],
  );
  for (const row of rows) {
    const why = failure(row["error"]) ?? { name: "Error", message: "" };
    const message = withoutNumbers(failureLine(why));
    const group = groups.get(message) ?? { tasks: [], count: 0 };
    if (group.count === 0 && groups.size < maxGroups) groups.set(message, group);
    group.count++;
    if (group.tasks.length < maxTasks) {
      group.tasks.push({
        id: storedTaskId(row["id"], reader),
        name: String(row["name"]),
        label: storedLabel(row),
        attempt: number(row["attempt"]) ?? 0,
        failure: why,
        earlierAttempts: [],
      });
    }
  }
  const named = [...groups.values()].flatMap(({ tasks }) => tasks.map(({ id }) => id));
  const attempts = earlierAttempts(reader, run, named);
  return [...groups.values()]
    .toSorted((a, b) => b.count - a.count)
    .map((group) => ({
      ...group,
      tasks: group.tasks.map((task) => ({
        ...task,
        earlierAttempts: attempts.get(task.id) ?? [],
      })),
      message: messageOf(group.tasks[0]),
      logs: logsOf(reader, run, group.tasks[0]?.id),
    }));
}

const messageOf = (task: FailedTask | undefined): string =>
  task === undefined ? "" : failureLine(task.failure);

function logsOf(reader: Reader, run: RunId, id: number | undefined): readonly LogRow[] {
  if (id === undefined || !hasLogs(reader)) return [];
  return lastLines(
    reader,
    { run, tasks: { type: "id", id }, level: "info", matches: () => true },
    maxLogs,
  ).lines;
}

/** Users may drop the table. */
const hasLogs = (reader: Reader): boolean =>
  reader.query("SELECT 1 FROM sqlite_schema WHERE name = 'task_logs'").length > 0;
