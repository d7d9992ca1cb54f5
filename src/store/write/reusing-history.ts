// The history of a run whose pipeline uses `reuse`, or of a file in which one does: it also records which results later runs may
// take, and which tables each unit has written.

import type { Database, Statement } from "bun:sqlite";

import { systemClock } from "../../base/clock.ts";
import { Buffer } from "../../base/globals.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { Code } from "../../protocol/reruns.ts";
import type { Execution, ReuseAsk, TaskParts } from "../../protocol/reuse.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import type { DatabaseCall, MainRecord } from "../../protocol/writer-records.ts";
import type { BusyHandler } from "../busy-handler.ts";
import type { LookedUp, ReusedTask, RunEnd, TaskRow, UnitWrites } from "./history.ts";
import { ReuseLookup } from "./reuse-lookup.ts";
import type { StoredRun } from "./earlier-sessions.ts";
import { SqliteHistory } from "./sqlite-history.ts";
import { TableEpochs } from "./table-epochs.ts";

type Reusable = {
  readonly id: TaskId;
  readonly key: string;
  readonly alike: number;
  readonly endedAt: number;
  readonly bytes: number;
  readonly from: Execution | undefined;
};

/** Epoch ms; monotonic time is of no use for what later runs compare. */
type WallClock = () => number;
type Values = (string | number | null)[];

type Answer = Extract<MainRecord, { type: "reused" | "not-reused" }>;

/** Why a result that depends on it is not taken. */
const whatItReads: Readonly<Record<DatabaseCall, string>> = {
  "ctx.query": "it reads the database",
  "ctx.state": "it uses what earlier runs keep",
  "ctx.run.scheduledFor": "it reads which slot its run is for",
  "ctx.run.previous": "it reads which slot was done before",
};

/** Bounds memory: the results of one answer are kept until they are committed. */
const maxLookedUpChars = 4 * 1024 * 1024;

const reusableSql = `INSERT INTO pipeloom_reusable (run_id, task_id, key, alike, ended_at, bytes, from_run, from_task)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET key = excluded.key, alike = excluded.alike,
    ended_at = excluded.ended_at, bytes = excluded.bytes, from_run = excluded.from_run, from_task = excluded.from_task`;
const notReusedSql = `INSERT INTO task_runs (run_id, id, name, key, status, reason, rows) VALUES (?, ?, ?, ?, 'queued', ?, 0)
  ON CONFLICT (run_id, id) DO UPDATE SET reason = excluded.reason`;
const reasonSql = "UPDATE task_runs SET reason = ? WHERE run_id = ? AND id = ?";

export class ReusingHistory extends SqliteHistory {
  override readonly recordsWrites = true;
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  readonly #wall: WallClock;
  readonly #maxAges: ReadonlyMap<string, number | null>;
  readonly #alike = new Map<string, number | null>();
  readonly #epochs: TableEpochs;
  readonly #lookup: ReuseLookup;
  readonly #insertReusable: Statement<unknown, Values>;
  readonly #setReason: Statement<unknown, Values>;
  #reusable: Reusable[] = [];
  #reasons: (readonly [id: TaskId, reason: string])[] = [];
  #notReused: (readonly [id: TaskId, name: string, key: string, reason: string])[] = [];
  #isEnding = false;

  /**
   * @param maxAges of the definitions with `reuse`; null for results of any age
   * @param passesOn as `SqliteHistory`
   */
  constructor(
    stored: StoredRun,
    maxAges: ReadonlyMap<string, number | null>,
    passesOn = false,
    wall: WallClock = systemClock.wall,
  ) {
    super(stored, passesOn);
    const { db, run, busyHandler } = stored;
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
    this.#wall = wall;
    this.#maxAges = maxAges;
    const alikeOf = (definition: string): number | null => this.#alike.get(definition) ?? null;
    this.#insertReusable = db.prepare(reusableSql);
    this.#setReason = db.prepare(reasonSql);
    this.#epochs = new TableEpochs(db, run, alikeOf);
    this.#lookup = new ReuseLookup(db, run, {
      alikeOf,
      maxAgeMs: (definition) => this.#maxAges.get(definition) ?? null,
      whyChanged: (left) => this.#epochs.whyChanged(left),
    });
  }

  /**
   * Before the first task: looks what may have happened to the tables since the last run.
   * @param parts as far as they are known; `setCode` tells the others
   */
  begin(hasSchemaWritten: boolean, parts: readonly TaskParts[]): void {
    for (const { task, alike } of parts) this.#alike.set(task, alike);
    const begin = this.#db.transaction(() => this.#epochs.begin(hasSchemaWritten, this.#wall()));
    this.#busyHandler.run(() => begin.immediate());
  }

  override get isEmpty(): boolean {
    return (
      super.isEmpty &&
      this.#epochs.isEmpty &&
      this.#reusable.length === 0 &&
      this.#reasons.length === 0 &&
      this.#notReused.length === 0
    );
  }

  override setCode(code: Code, parts: readonly TaskParts[]): void {
    super.setCode(code, parts);
    for (const { task, alike } of parts) this.#alike.set(task, alike);
  }

  override setTask(row: TaskRow): void {
    super.setTask(row);
    const { id, key, status, finishedAt, result } = row;
    if (status === "done") this.#addReusable(id, key, finishedAt ?? this.#wall(), result ?? "");
  }

  override setDone(...done: Parameters<SqliteHistory["setDone"]>): void {
    super.setDone(...done);
    const [id, , key, , , finishedAt, result] = done;
    this.#addReusable(id, key, finishedAt, result);
  }

  #addReusable(id: TaskId, key: string, endedAt: number, result: string, from?: Execution): void {
    const alike = this.#alike.get(nameOfKey(key)) ?? null;
    if (alike === null) return;
    this.#reusable.push({ id, key, alike, endedAt, bytes: Buffer.byteLength(result), from });
  }

  override setReused({ row, reason, from, endedAt, left }: ReusedTask): void {
    super.setTask(row);
    this.#addReusable(row.id, row.key, endedAt, row.result ?? "", from);
    this.#reasons.push([row.id, reason]);
    this.#epochs.reused(nameOfKey(row.key), left);
  }

  override setNotReused(id: TaskId, name: string, key: string, reason: string): void {
    this.#notReused.push([id, name, key, reason]);
  }

  override setWrites(definition: string, task: TaskId, writes: UnitWrites): void {
    this.#epochs.add(definition, task, writes);
  }

  override setQueried(definition: string, by: DatabaseCall): void {
    this.#epochs.never(definition, `${whatItReads[by]} (${by})`);
  }

  override setFilesChanged(definition: string): void {
    this.#epochs.never(definition, "a file that it declares changed while it ran");
  }

  override lookUp(asks: readonly ReuseAsk[]): LookedUp {
    const records: Answer[] = [];
    let answered = 0;
    for (let chars = 0; answered < asks.length && chars < maxLookedUpChars; answered++) {
      const record = this.#answerTo(asks[answered]);
      if (record === undefined) continue;
      records.push(record);
      if (record.type === "reused") chars += record.result.length;
    }
    return { answered, records };
  }

  #answerTo(ask: ReuseAsk | undefined): Answer | undefined {
    if (ask === undefined) return undefined;
    const at = this.#wall();
    const { id, name, key, wantsResult, input, label, needs, position } = ask;
    const found = this.#busyHandler.run(() => this.#lookup.find(ask, at));
    if (!("from" in found)) {
      const { reason } = found;
      return reason === undefined ? undefined : { type: "not-reused", id, name, key, reason };
    }
    return {
      type: "reused",
      id,
      name,
      key,
      wantsResult,
      at,
      input,
      label,
      needs,
      position,
      ...found,
    };
  }

  override setEnd(end: RunEnd): void {
    super.setEnd(end);
    this.#isEnding = true;
  }

  override flush(): void {
    const run = (work: () => unknown): void => void this.#busyHandler.run(work);
    for (const values of this.#notReused) {
      run(() => this.#db.run(notReusedSql, [this.#run, ...values]));
    }
    super.flush();
    for (const [id, reason] of this.#reasons) {
      run(() => this.#setReason.run(reason, this.#run, id));
    }
    for (const { id, key, alike, endedAt, bytes, from } of this.#reusable) {
      const origin = [from?.run ?? null, from?.task ?? null] as const;
      run(() => this.#insertReusable.run(this.#run, id, key, alike, endedAt, bytes, ...origin));
    }
    this.#epochs.flush(this.#wall());
    // Another run may write to a table after this one has counted its rows.
    if (this.#isEnding && !this.hasOtherLiveRuns()) this.#epochs.count();
    this.#clear();
  }

  override committed(): void {
    super.committed();
    this.#epochs.committed();
  }

  override discard(): void {
    super.discard();
    this.#epochs.discard();
    this.#clear();
  }

  override close(): void {
    super.close();
    this.#insertReusable.finalize();
    this.#setReason.finalize();
    this.#lookup.close();
  }

  #clear(): void {
    this.#reusable = [];
    this.#reasons = [];
    this.#notReused = [];
    this.#isEnding = false;
  }
}

/** Whether a pipeline has used `reuse` in this file: then each run records which tables it writes. */
export function hasReusable(db: Database): boolean {
  using row = db.prepare<unknown, []>("SELECT 1 FROM pipeloom_reusable LIMIT 1");
  return row.get() !== null;
}
