// Finds results of earlier runs for tasks that have not begun.

import type { Database, Statement } from "bun:sqlite";

import { exactDuration } from "../../base/format-duration.ts";
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
};

/** Newest first; equal calls in the order of their tasks. */
const candidatesSql = `SELECT run_id, task_id, ended_at, bytes, from_run, from_task FROM pipeloom_reusable
  WHERE key = ?1 AND alike = ?2 AND run_id <> ?3 ORDER BY run_id DESC, task_id LIMIT ?4`;

/** A result that is gone, cut or damaged is none. One of a task that has left its plan is: see left-rows.ts. */
const resultSql = `SELECT t.result, d.tables FROM task_runs AS t
  LEFT JOIN pipeloom_definitions AS d ON d.run_id = t.run_id AND d.name = ?4
  WHERE t.run_id = ?1 AND t.id = ?2 AND t.key = ?3 AND (t.status = 'done' OR t.status = 'skipped') AND coalesce(t.fingerprint, 'done+') = 'done+'
    AND typeof(t.result) = 'text' AND octet_length(t.result) = ?5 AND json_valid(t.result)`;

type Result = { readonly result: string; readonly tables: string | null };

export class ReuseLookup {
  readonly #run: RunId;
  readonly #rules: ReuseRules;
  readonly #candidates: Statement<Candidate, [string, number, number, number]>;
  readonly #result: Statement<Result, [number, number, string, string, number]>;
  /** Executions that tasks of this run have taken: equal calls have results of their own. */
  readonly #taken = new Set<string>();
  /** By key, where the newest one was taken: those that no equal call has looked at. */
  readonly #left = new Map<string, Candidate[]>();

  constructor(db: Database, run: RunId, rules: ReuseRules) {
    this.#run = run;
    this.#rules = rules;
    this.#candidates = db.prepare(candidatesSql);
    this.#result = db.prepare(resultSql);
    using taken = db.prepare<{ from_run: number; from_task: number }, [number]>(
      "SELECT from_run, from_task FROM pipeloom_reusable WHERE run_id = ? AND from_run IS NOT NULL",
    );
    for (const { from_run: from, from_task: task } of taken.iterate(run)) {
      this.#taken.add(`${from}.${task}`);
    }
  }

  /** Finalizes the statements: before that, the connection cannot be closed. */
  close(): void {
    this.#candidates.finalize();
    this.#result.finalize();
  }

  /** @param now epoch ms */
  find({ key }: ReuseAsk, now: number): Found | Missed {
    const definition = nameOfKey(key);
    const alike = this.#rules.alikeOf(definition);
    if (alike === null) return { reason: "not all of its code is known" };
    const left = this.#left.get(key);
    const [newest] = left ?? this.#candidates.all(key, alike, this.#run, 1);
    if (newest === undefined) return { reason: undefined };
    if (left === undefined) {
      const found = this.#usable(newest, key, definition, now);
      if (found !== undefined && "from" in found) return found;
    }
    const others = left ?? this.#candidates.all(key, alike, this.#run, noLimit);
    this.#left.set(key, others);
    let reason: string | undefined;
    for (let next = others.shift(); next !== undefined; next = others.shift()) {
      const found = this.#usable(next, key, definition, now);
      if (found === undefined) continue;
      if ("from" in found) return found;
      reason ??= found.reason;
    }
    return { reason };
  }

  /** Undefined where another task has taken it. */
  #usable(
    candidate: Candidate,
    key: string,
    definition: string,
    now: number,
  ): Found | Missed | undefined {
    const { run_id: run, task_id: task, ended_at: endedAt, bytes } = candidate;
    const from = executionOf(candidate);
    const id = `${from.run}.${from.task}`;
    if (this.#taken.has(id)) return undefined;
    const missed = (why: string): Missed => ({
      reason: `the result of run ${from.run} is not taken: ${why}`,
    });
    const stored = this.#result.get(run, task, key, definition, bytes);
    if (stored === null) return missed("it is gone or damaged");
    const most = this.#rules.maxAgeMs(definition);
    if (most !== null && now - endedAt > most)
      return missed(`it is older than ${exactDuration(most)}`);
    const left = leftTables(stored.tables);
    const why = this.#rules.whyChanged(left);
    if (why !== undefined) return missed(why);
    this.#taken.add(id);
    return { from, result: stored.result, endedAt, left };
  }
}

const noLimit = -1;

/** The run that ran it: it may have been taken by one run after another. */
const executionOf = (row: Candidate): { readonly run: RunId; readonly task: TaskId } => ({
  run: runId(row.from_run ?? row.run_id),
  task: taskId(row.from_task ?? row.task_id),
});
