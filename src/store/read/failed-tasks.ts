// The failed tasks of a run, in groups of one message, for `status`.

import { JSON } from "../../base/globals.ts";
import { type Failure, failureLine } from "../../base/failure.ts";
import { withoutNumbers } from "../../base/text.ts";
import type { RunId } from "../../protocol/ids.ts";
import { idsWith } from "../own-tables.ts";
import { earlierAttempts, type SeenAttempt } from "./earlier-attempts.ts";
import { failure, number, storedTaskId, text } from "./stored-values.ts";
import { machineColumn } from "./machine-names.ts";
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
  /** The machine that it failed on; null where it is the run's own. */
  readonly machine: string | null;
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
/** Of a step. */
const pageRows = 10_000;
/** Of a message that is kept whole. */
const maxKeyChars = 200;

type Counted = { count: number; readonly ids: number[] };

/** Of those messages that most tasks failed with: the largest group first. */
export function failureGroups(reader: Reader, run: RunId): readonly FailureGroup[] {
  return reader.snapshot(() => {
    const scan = new FailureScan(reader, run);
    while (scan.read(pageRows));
    return scan.groups();
  });
}

/** Counts the failed tasks of a run by their messages, in as many steps as the caller wants. */
export class FailureScan {
  readonly #reader: Reader;
  readonly #run: RunId;
  /** By message, in the order of the first task of each. */
  readonly #counted = new Map<string, Counted>();
  #last = 0;

  constructor(reader: Reader, run: RunId) {
    this.#reader = reader;
    this.#run = run;
  }

  /**
   * @param most tasks
   * @returns whether there are more
   * @throws ReaderError
   */
  read(most: number): boolean {
    const rows = this.#reader.query(failedAfter, [this.#run, this.#last, most]);
    for (const row of rows) this.#count(row);
    return rows.length === most;
  }

  /** Of the tasks that have been read. To be called in a snapshot. @throws ReaderError */
  groups(): readonly FailureGroup[] {
    const largest = [...this.#counted.values()]
      .toSorted((a, b) => b.count - a.count)
      .slice(0, maxGroups);
    const ids = largest.flatMap((group) => group.ids);
    const tasks = failedTasks(this.#reader, this.#run, ids);
    return largest.map((group) => {
      const own = group.ids.flatMap((id) => tasks.get(id) ?? []);
      return {
        message: messageOf(own[0]),
        tasks: own,
        count: group.count,
        logs: logsOf(this.#reader, this.#run, own[0]?.id),
      };
    });
  }

  #count(row: Row): void {
    const id = storedTaskId(row["id"], this.#reader);
    this.#last = id;
    const key = keyOf(withoutNumbers(failureLine(failureIn(row))));
    const group = this.#counted.get(key) ?? { count: 0, ids: [] };
    if (group.count === 0 && this.#counted.size < maxMessages) this.#counted.set(key, group);
    group.count++;
    if (group.ids.length < maxTasks) group.ids.push(id);
  }
}

const failedAfter = `SELECT id, error FROM task_runs WHERE run_id = ?1 AND id IN
  (${idsWith("?1", "error")} AND id > ?2 ORDER BY run_id, id LIMIT ?3) ORDER BY run_id, id`;

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
    `SELECT id, name, attempt, error, ${itemColumns(reader)}, ${machineColumn(reader, "task_runs")} FROM task_runs
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
        machine: text(row["machine_name"]),
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
