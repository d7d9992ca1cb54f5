// Which tasks a text on its way to the writer ends. Pure.

import { JSON } from "../../../base/globals.ts";
import { completionsMark, unpackCompletions } from "../../../protocol/codec/completions.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../../protocol/writer-records.ts";

/** Most texts of records are starts, progress and log lines: they need not be parsed. */
const finishedMark = '"type":"finished"';

export function endedTasksIn(text: string): TaskId[] {
  const ids: TaskId[] = [];
  if (text.startsWith(completionsMark)) unpackCompletions(text, ({ id }) => ids.push(id));
  else if (!text.startsWith(unitItemMark) && text.includes(finishedMark)) {
    for (const { type, id } of JSON.parse(text) as TaskRecord[]) {
      if (type === "finished") ids.push(id);
    }
  }
  return ids;
}
