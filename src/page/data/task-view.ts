// One task: why it failed first, then what it was given, gave and cost, and why it ran.

import { Date } from "../../base/globals.ts";
import { userFrame } from "../../base/thrown-at.ts";
import { type RunId, runId } from "../../protocol/ids.ts";
import { cutMark } from "../../protocol/stored-input.ts";
import { earlierAttempts, type SeenAttempt } from "../../store/read/earlier-attempts.ts";
import { hasColumn } from "../../store/read/has-column.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import type { Reader, Row } from "../../store/read/reader.ts";
import { failure, text } from "../../store/read/stored-values.ts";
import { type WhyTask, whyTask } from "../../store/read/why-task.ts";
import { type Asked, NotFound } from "../asked.ts";
import type { AttemptView, NeededTask, StoredText, TaskView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";
import { indexedRun } from "./of-tasks.ts";
import { briefsOf } from "./tasks-view.ts";

/** Characters of an input or a result. */
const maxChars = 20_000;

export async function taskView(
  database: PageDatabase,
  { ids: [run = 0, task = 0] }: Asked,
): Promise<TaskView> {
  const indexed = await indexedRun(database, run);
  const { reader } = database;
  const [brief] = briefsOf(database, indexed, [task]);
  const row = rowOf(reader, runId(run), task);
  if (brief === undefined || row === undefined)
    throw new NotFound(`run ${run} has no task ${task}`);
  const error = failure(row["error"]);
  const attempts = earlierAttempts(reader, runId(run), [task]).get(task) ?? [];
  return {
    task: brief,
    error,
    place: userFrame(error?.stack ?? "", text(row["file"]) ?? "") ?? null,
    input: storedText(row["input"]),
    result: storedText(row["result"]),
    attempts: attempts.map(attemptView),
    reason: text(row["reason"]),
    ...needsOf(reader, runId(run), task),
  };
}

/** Columns that an earlier version of the file does not have are not there. */
function rowOf(reader: Reader, run: RunId, task: number): Row | undefined {
  const input = hasColumn(reader, "task_runs", "input")
    ? `substr(input, 1, ${maxChars + 1})`
    : "NULL";
  const reason = hasColumn(reader, "task_runs", "reason") ? "reason" : "NULL";
  return reader.query(
    `SELECT error, ${input} AS input, ${reason} AS reason, substr(result, 1, ${maxChars + 1}) AS result,
        (SELECT file FROM pipeline_runs WHERE id = ?1) AS file
      FROM task_runs WHERE run_id = ?1 AND id = ?2`,
    [run, task],
  )[0];
}

function storedText(value: Row[string] | undefined): StoredText | null {
  const stored = text(value);
  if (stored === null) return null;
  // JSON never ends with the mark: only the beginning was stored.
  const isCut = stored.length > maxChars || stored.endsWith(cutMark);
  return { text: stored.slice(0, maxChars), isCut };
}

const attemptView = ({ startedAt, finishedAt, ...rest }: SeenAttempt): AttemptView => ({
  ...rest,
  startedAt: startedAt === null ? null : Date.parse(startedAt),
  finishedAt: finishedAt === null ? null : Date.parse(finishedAt),
});

type Needs = Pick<TaskView, "culprits" | "needs" | "moreNeeds">;

function needsOf(reader: Reader, run: RunId, task: number): Needs {
  try {
    const { culprits, needs } = whyTask(reader, run, `#${task}`);
    return {
      culprits: culprits.map(needed),
      needs: needs.tasks.map(needed),
      moreNeeds: needs.more,
    };
  } catch (thrown) {
    // A file of an earlier version does not say.
    if (thrown instanceof ReaderError) return { culprits: [], needs: [], moreNeeds: 0 };
    throw thrown;
  }
}

const needed = ({ id, name, label, status }: WhyTask["culprits"][number]): NeededTask => ({
  id,
  name,
  label,
  status,
});
