// The failed tasks of a run, in groups of one message, for `status`.

import { JSON } from "../../base/globals.ts";
import { type Failure, failureLine } from "../../base/failure.ts";
import { withoutNumbers } from "../../base/text.ts";
import type { RunId } from "../../protocol/ids.ts";
import { ofRunWith } from "../own-tables.ts";
import { earlierAttempts, type SeenAttempt } from "./earlier-attempts.ts";
import { failure, number, storedTaskId } from "./stored-values.ts";
import type { Reader, Row } from "./reader.ts";
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

const maxGroups = 100;
const maxTasks = 3;
const maxLogs = 3;
/** Different messages that are counted: about 40 MB. Any of them may be the most frequent one. */
const maxMessages = 100_000;
/** Of a message that is kept whole. */
const maxKeyChars = 200;

type Counted = { count: number; readonly ids: number[] };

/** Of those messages that most tasks failed with: the largest group first. */
export function failureGroups(reader: Reader, run: RunId): readonly FailureGroup[] {
  return reader.snapshot(() => {
    const counted = countedFailures(reader, run)
      .toSorted((a, b) => b.count - a.count)
      .slice(0, maxGroups);
    const ids = counted.flatMap((group) => group.ids);
    const tasks = failedTasks(reader, run, ids);
    return counted.map((group) => {
      const own = group.ids.flatMap((id) => tasks.get(id) ?? []);
      return {
        message: messageOf(own[0]),
        tasks: own,
        count: group.count,
        logs: logsOf(reader, run, own[0]?.id),
      };
    });
  });
}

/** In the order of the first task of each. */
function countedFailures(reader: Reader, run: RunId): readonly Counted[] {
  const groups = new Map<string, Counted>();
  const { rows } = reader.iterate(
    `SELECT id, error FROM task_runs WHERE ${ofRunWith("?1", "error")} ORDER BY run_id, id`,
    [run],
  );
  for (const row of rows) {
    const key = keyOf(withoutNumbers(failureLine(failureIn(row))));
    const group = groups.get(key) ?? { count: 0, ids: [] };
    if (group.count === 0 && groups.size < maxMessages) groups.set(key, group);
    group.count++;
    if (group.ids.length < maxTasks) group.ids.push(storedTaskId(row["id"], reader));
  }
  return [...groups.values()];
}

const keyOf = (message: string): string =>
  message.length <= maxKeyChars ? message : `${message.slice(0, maxKeyChars)}${Bun.hash(message)}`;

const failureIn = (row: Row): Failure => failure(row["error"]) ?? { name: "Error", message: "" };

function failedTasks(
  reader: Reader,
  run: RunId,
  ids: readonly number[],
): ReadonlyMap<number, FailedTask> {
  const attempts = earlierAttempts(reader, run, ids);
  const rows = reader.query(
    `SELECT id, name, attempt, error, ${itemColumns(reader)} FROM task_runs
      WHERE run_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
    [run, JSON.stringify(ids)],
  );
  return new Map(
    rows.map((row) => {
      const id = storedTaskId(row["id"], reader);
      const task: FailedTask = {
        id,
        name: String(row["name"]),
        label: storedLabel(row),
        attempt: number(row["attempt"]) ?? 0,
        failure: failureIn(row),
        earlierAttempts: attempts.get(id) ?? [],
      };
      return [id, task];
    }),
  );
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
