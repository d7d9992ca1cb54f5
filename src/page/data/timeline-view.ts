// A run's tasks over time.

import { systemClock } from "../../base/clock.ts";
import { type Asked, wholeIn } from "../asked.ts";
import type { TimelineView } from "../contract.ts";
import { timelineOf, type TimelineQuestion } from "../index/timeline.ts";
import type { PageDatabase } from "../page-database.ts";
import { indexedRun } from "./of-tasks.ts";

/** @throws NotFound, ReaderError */
export async function timelineView(
  database: PageDatabase,
  { ids, search }: Asked,
): Promise<TimelineView> {
  const { index, isDead, about } = await indexedRun(database, ids[0] ?? 0);
  const question = questionIn(search, isDead);
  const made = timelineOf(index, question);
  const { by, now } = question;
  if (made === undefined)
    return { ...about, by, ...nothing, first: now, last: now, from: now, to: now };
  const { extent, axis, rows, moreRows } = made;
  return {
    ...about,
    by,
    first: extent.from,
    last: extent.to,
    from: axis.from,
    to: axis.to,
    pieces: axis.pieces,
    tasks: rows.reduce((sum, row) => sum + row.tasks, 0),
    failed: rows.reduce((sum, row) => sum + row.failed, 0),
    rows,
    moreRows,
  };
}

const nothing = { pieces: [], tasks: 0, failed: 0, rows: [], moreRows: 0 };

function questionIn(search: URLSearchParams, isDead: boolean): TimelineQuestion {
  return {
    by: search.get("by") === "definition" ? "definition" : "worker",
    from: wholeIn(search, "from"),
    to: wholeIn(search, "to"),
    isFailedOnly: search.get("failed") === "1",
    isSqueezed: search.get("squeeze") !== "0",
    now: systemClock.wall(),
    isDead,
  };
}
