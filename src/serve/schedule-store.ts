// The users' databases, as the scheduler asks them: opened for each question and closed after it, so that hundreds of files cost no
// memory. It never waits long: another program's lock is an answer too.

import { fileStamp } from "../base/file-stamp.ts";
import { reasonOf } from "../base/system-error.ts";
import type { ScheduleChange, ScheduleHistory } from "../protocol/served-schedule.ts";
import { isRunAlive } from "../store/liveness.ts";
import { openReader } from "../store/read/reader.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import { lastDoneAt, pausedPipelines, scheduleHistories } from "../store/read/schedule-history.ts";
import { StoreError } from "../store/store-error.ts";
import { changeSchedules } from "../store/write/schedule-changes.ts";
import { asNamedInFile } from "./database-words.ts";

type HistoriesRead =
  { readonly kind: "ok"; readonly histories: ReadonlyMap<string, ScheduleHistory> } | Unusable;
type ChangesWritten = { readonly kind: "ok" } | Unusable;
/** `later`: another program holds the file. */
export type Unusable =
  { readonly kind: "later" } | { readonly kind: "bad"; readonly reason: string };

export type ScheduleStore = {
  /** @param until later slots are not read */
  read(db: string, pipelines: readonly string[], until: number): HistoriesRead;
  write(db: string, changes: readonly ScheduleChange[]): ChangesWritten;
  /** The pipelines that are paused; undefined where that cannot be known now. */
  paused(db: string): ReadonlySet<string> | undefined;
  /** When a run of a slot was done last, of all that the file has; null also where that cannot be known now. */
  lastDone(db: string, pipeline: string): number | null;
  /** Another one after each change of the file. */
  stamp(db: string): string;
};

export const scheduleStore: ScheduleStore = {
  read(db, pipelines, until) {
    return answered(() => {
      try {
        using reader = openReader(db);
        const isAlive = (run: Parameters<typeof isRunAlive>[1]): boolean => isRunAlive(db, run);
        return { kind: "ok", histories: scheduleHistories(reader, pipelines, until, isAlive) };
      } catch (thrown) {
        if (!(thrown instanceof ReaderError) || thrown.code !== "missing") throw thrown;
        // The first change makes the file.
        return { kind: "ok", histories: new Map() };
      }
    });
  },
  write: (db, changes) =>
    answered(() => {
      changeSchedules(db, changes);
      return { kind: "ok" };
    }),
  paused(db) {
    try {
      using reader = openReader(db);
      return pausedPipelines(reader);
    } catch {
      // The next question about a pipeline of the file says why.
      return undefined;
    }
  },
  lastDone(db, pipeline) {
    try {
      using reader = openReader(db);
      return lastDoneAt(reader, pipeline);
    } catch {
      return null;
    }
  },
  stamp: (db) => [db, `${db}-wal`].map(fileStamp).join(" "),
};

function answered<Answer>(ask: () => Answer): Answer | Unusable {
  try {
    return ask();
  } catch (thrown) {
    const isLocked =
      (thrown instanceof StoreError || thrown instanceof ReaderError) && thrown.code === "locked";
    return isLocked ? { kind: "later" } : { kind: "bad", reason: asNamedInFile(reasonOf(thrown)) };
  }
}
