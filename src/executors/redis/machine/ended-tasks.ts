// Which tasks a text on its way to the writer ends. Pure.

import { JSON } from "../../../base/globals.ts";
import { completedIds, completionsMark } from "../../../protocol/codec/completions.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../../protocol/writer-records.ts";

/** Most texts of records are starts, progress and log lines: they need not be parsed. */
const finishedMark = '"type":"finished"';

export function endedTasksIn(text: string): TaskId[] {
  if (text.startsWith(completionsMark)) return completedIds(text);
  const ids: TaskId[] = [];
  if (!text.startsWith(unitItemMark) && text.includes(finishedMark)) {
    for (const { type, id } of JSON.parse(text) as TaskRecord[]) {
      if (type === "finished") ids.push(id);
    }
  }
  return ids;
}
