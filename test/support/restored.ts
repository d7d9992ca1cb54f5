// Pages of restored tasks: one for each task, as a writer may make them, and back.

import { separator } from "../../src/protocol/codec/packed-text.ts";
import { taskId } from "../../src/protocol/ids.ts";
import type { DonePage, RestoredPage, RestoredTask } from "../../src/protocol/messages.ts";

/** A page of one task, in the form that its writer chooses for it. */
export function pageOf(task: RestoredTask): RestoredPage {
  const { id, key, position, status, result, isOutdated } = task;
  if (status !== "done" || isOutdated === true) return { tasks: [task], done: null };
  const results = result === "null" ? null : (result ?? "");
  const positions = position === id ? null : String(position);
  return { tasks: [], done: { ids: String(id), keys: key, results, positions } };
}

export const tasksIn = ({ tasks, done }: RestoredPage): RestoredTask[] =>
  [...tasks, ...(done === null ? [] : doneIn(done))].toSorted((a, b) => a.id - b.id);

function doneIn({ ids, keys, results, positions }: DonePage): RestoredTask[] {
  const positionList = positions?.split(",");
  const [keyList, resultList] = [keys.split(separator), results?.split(separator)];
  return ids.split(",").map((id, i) => ({
    id: taskId(Number(id)),
    key: keyList[i] ?? "",
    status: "done",
    attempt: 1,
    result: resultList === undefined ? "null" : resultList[i] || null,
    cursor: null,
    position: Number(positionList?.[i]) || Number(id),
  }));
}
