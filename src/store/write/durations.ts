// How long the tasks of each definition took: written once, at the end of a session, and read at the start of the next runs
// (read/learned-durations.ts). So a start reads a few rows, however many tasks the file has.

import type { Database } from "bun:sqlite";

import { Histogram } from "../../base/histogram.ts";
import { JSON } from "../../base/globals.ts";
import type { SessionDurations } from "../../protocol/learned.ts";
import type { RunId } from "../../protocol/ids.ts";
import { storedCounts } from "../read/learned-durations.ts";

/** Adds to what earlier sessions of the run have written. */
export function writeDurations(db: Database, run: RunId, session: SessionDurations): void {
  using before = db.prepare<{ counts: string }, [number, string]>(
    "SELECT counts FROM pipeloom_durations WHERE run_id = ? AND task = ?",
  );
  using write = db.prepare<unknown, [number, string, number, number, string]>(
    `INSERT INTO pipeloom_durations (run_id, task, tasks, total_ms, counts) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (run_id, task) DO UPDATE SET tasks = tasks + excluded.tasks,
      total_ms = total_ms + excluded.total_ms, counts = excluded.counts`,
  );
  for (const { task, tasks, totalMs, counts } of session.definitions) {
    const all = new Histogram();
    all.addCounts(counts);
    all.addCounts(storedCounts(before.get(run, task)?.counts));
    write.run(run, task, tasks, totalMs, JSON.stringify(all.counts));
  }
  db.run("UPDATE pipeline_runs SET stretch = ? WHERE id = ?", [session.stretch, run]);
}
