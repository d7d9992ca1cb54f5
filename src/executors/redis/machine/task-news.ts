// What a text on its way to the writer says of tasks. Pure.

import { JSON } from "../../../base/globals.ts";
import { completedIds, completionsMark } from "../../../protocol/codec/completions.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../../protocol/writer-records.ts";

export type TaskNews = {
  /** All attempts that have ended, whatever their outcome. */
  readonly ended: readonly TaskId[];
  readonly done: number;
  readonly failed: number;
  /** Those that a screen shows. */
  readonly shown: readonly ShownRecord[];
};

export type ShownRecord = Extract<TaskRecord, { type: "started" | "progress" }>;

/** Most texts of records are starts, progress and log lines: they need not be parsed. */
const finishedMark = '"type":"finished"';
const shownMarks = ['"type":"started"', '"type":"progress"'];

/** @param isShown what begins, and how far it is, is wanted too */
export function taskNewsIn(text: string, isShown: boolean): TaskNews | undefined {
  if (text.startsWith(completionsMark)) return completed(text);
  if (text.startsWith(unitItemMark)) return undefined;
  const isWanted = isShown && shownMarks.some((mark) => text.includes(mark));
  if (!isWanted && !text.includes(finishedMark)) return undefined;
  const records = JSON.parse(text) as TaskRecord[];
  const ended = records.filter((record) => record.type === "finished");
  const count = (status: string): number =>
    ended.filter(({ outcome }) => outcome.status === status).length;
  return {
    ended: ended.map(({ id }) => id),
    done: count("done"),
    failed: count("error"),
    shown: isShown ? records.filter(isShownRecord) : [],
  };
}

const isShownRecord = (record: TaskRecord): record is ShownRecord =>
  record.type === "started" || record.type === "progress";

/** Tasks that were shorter than a screen can tell. */
function completed(text: string): TaskNews {
  const ended = completedIds(text);
  return { ended, done: ended.length, failed: 0, shown: [] };
}
