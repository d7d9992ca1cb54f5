// The failures of a run, in groups of one message.

import { userFrame } from "../../base/thrown-at.ts";
import { runId } from "../../protocol/ids.ts";
import type { FailureGroup as StoredGroup } from "../../store/read/failed-tasks.ts";
import { text } from "../../store/read/stored-values.ts";
import { type Asked, NotFound } from "../asked.ts";
import type { FailureGroup, FailuresView } from "../contract.ts";
import { RunFailures } from "../index/run-failures.ts";
import type { PageDatabase } from "../page-database.ts";
import { lineOf } from "./logs-view.ts";

/** A person waits so long for all of them; then those are shown that are counted. */
const waitMs = 120;

export async function failuresView(
  { reader, failures }: PageDatabase,
  { ids: [run = 0] }: Asked,
): Promise<FailuresView> {
  const [row] = reader.query("SELECT file FROM pipeline_runs WHERE id = ?", [run]);
  if (row === undefined) throw new NotFound(`the database has no run ${run}`);
  const file = text(row["file"]) ?? "";
  const { groups, ...about } = await failures
    .of(String(run), () => new RunFailures(reader, runId(run)))
    .look(waitMs);
  return { ...about, groups: groups.flatMap((group) => groupView(group, file)) };
}

function groupView({ message, count, tasks, logs }: StoredGroup, file: string): FailureGroup[] {
  const [first] = tasks;
  if (first === undefined) return [];
  const { failure } = first;
  return [
    {
      message,
      count,
      failure,
      place: userFrame(failure.stack ?? "", file) ?? null,
      tasks: tasks.map(({ id, name, label, attempt }) => ({
        id,
        name,
        label,
        attempt,
        status: "error",
      })),
      logs: logs.map((line) => lineOf(line, 0)),
    },
  ];
}
