// Finds results of earlier runs for tasks that have not begun.

import type { Database } from "bun:sqlite";

import { duration } from "../../base/format-duration.ts";
import { type RunId, runId, type TaskId, taskId } from "../../protocol/ids.ts";
import type { Execution, LeftTables, ReuseAsk } from "../../protocol/reuse.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import { leftTables } from "../table-rows.ts";

type ReuseRules = {
  /** Of the definition in this session; null where its results must not be taken. */
  alikeOf(definition: string): number | null;
  /** Of the definition: null for any age. */
  maxAgeMs(definition: string): number | null;
  /** Why rows of these tables may no longer be as a task left them. */
  whyChanged(left: LeftTables): string | undefined;
};

type Found = {
  readonly from: Execution;
  /** JSON text. */
  readonly result: string;
  /** When it ran, epoch ms. */
  readonly endedAt: number;
  readonly left: LeftTables;
};

/** `reason`: why the result that there is was not taken. */
type Missed = { readonly reason: string | undefined };

type Candidate = {
  readonly run_id: number;
  readonly task_id: number;
  readonly ended_at: number;
  readonly bytes: number;
  readonly from_run: number | null;
  readonly from_task: number | null;
  readonly tables: string | null;
  readonly result: string | null;
};

/** Newest first; equal calls in the order of their tasks. A result that is gone, cut or damaged is null. */
const candidatesSql = `SELECT u.run_id, u.task_id, u.ended_at, u.bytes, u.from_run, u.from_task, d.tables,
    CASE WHEN t.status = 'done' AND t.key = u.key AND coalesce(t.fingerprint, 'done+') = 'done+' AND typeof(t.result) = 'text'
      AND octet_length(t.result) = u.bytes AND json_valid(t.result) THEN t.result END AS result
  FROM pipeloom_reusable AS u
  LEFT JOIN task_runs AS t ON t.run_id = u.run_id AND t.id = u.task_id
  LEFT JOIN pipeloom_definitions AS d ON d.run_id = u.run_id AND d.name = ?3
  WHERE u.key = ?1 AND u.alike = ?2 AND u.run_id <> ?4
  ORDER BY u.run_id DESC, u.task_id`;

export class ReuseLookup {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #rules: ReuseRules;
  /** Executions that tasks of this run have taken: equal calls have results of their own. */
  readonly #taken = new Set<string>();

  constructor(db: Database, run: RunId, rules: ReuseRules) {
    this.#db = db;
    this.#run = run;
    this.#rules = rules;
    using taken = db.prepare<{ from_run: number; from_task: number }, [number]>(
      "SELECT from_run, from_task FROM pipeloom_reusable WHERE run_id = ? AND from_run IS NOT NULL",
    );
    for (const { from_run: from, from_task: task } of taken.iterate(run)) {
      this.#taken.add(`${from}.${task}`);
    }
  }

  /** @param now epoch ms */
  find({ key }: ReuseAsk, now: number): Found | Missed {
    const definition = nameOfKey(key);
    const alike = this.#rules.alikeOf(definition);
    if (alike === null) return { reason: "not all of its code is known" };
    using candidates = this.#db.prepare<Candidate, [string, number, string, number]>(candidatesSql);
    let reason: string | undefined;
    for (const candidate of candidates.iterate(key, alike, definition, this.#run)) {
      const from = executionOf(candidate);
      const id = `${from.run}.${from.task}`;
      if (this.#taken.has(id)) continue;
      const left = leftTables(candidate.tables);
      const why = this.#whyNot(candidate, left, definition, now);
      if (why === undefined && candidate.result !== null) {
        this.#taken.add(id);
        return { from, result: candidate.result, endedAt: candidate.ended_at, left };
      }
      reason ??= `the result of run ${from.run} is not taken: ${why}`;
    }
    return { reason };
  }

  #whyNot(
    { result, ended_at: endedAt }: Candidate,
    left: LeftTables,
    definition: string,
    now: number,
  ): string | undefined {
    if (result === null) return "it is gone or damaged";
    const most = this.#rules.maxAgeMs(definition);
    if (most !== null && now - endedAt > most) return `it is older than ${duration(most)}`;
    return this.#rules.whyChanged(left);
  }
}

/** The run that ran it: it may have been taken by one run after another. */
const executionOf = (row: Candidate): { readonly run: RunId; readonly task: TaskId } => ({
  run: runId(row.from_run ?? row.run_id),
  task: taskId(row.from_task ?? row.task_id),
});
