// The pipelines of the database.

import { pipelineRows } from "../../store/read/pipeline-list.ts";
import { type Asked, wholeIn } from "../asked.ts";
import type { PipelinesView } from "../contract-runs.ts";
import type { PageDatabase } from "../page-database.ts";
import { barOf, briefsOf, withDead } from "./runs-view.ts";

/** Bars of a pipeline. */
const maxRecent = 30;

/** With more, a page cannot be read. */
export const pipelinesOfPage = 200;

/** `?offset=` */
export const pipelinesView = (database: PageDatabase, { search }: Pick<Asked, "search">) =>
  pipelinesFrom(database, wholeIn(search, "offset") ?? 0, pipelinesOfPage);

export function pipelinesFrom(database: PageDatabase, offset: number, most: number): PipelinesView {
  return withDead(database, (dead) => {
    const { rows, total } = pipelineRows(database.reader, { offset, most, mostRuns: maxRecent });
    const lastIds = rows.flatMap(({ recent }) =>
      recent.slice(0, 1).map((row) => Number(row["id"])),
    );
    const lasts = new Map(briefsOf(database, lastIds, dead).map((run) => [run.id, run]));
    const pipelines = rows.flatMap(({ name, runs, recent }) => {
      const last = lasts.get(Number(recent[0]?.["id"]));
      if (last === undefined) return [];
      const bars = recent.map((row) => barOf(row, dead, database.reader)).toReversed();
      return [{ name, runs, recent: bars, last, database: database.id, next: null }];
    });
    return { pipelines, offset, total, unreadable: [] };
  });
}
