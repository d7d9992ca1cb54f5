// Which unit last wrote which of the user's tables (`pipeloom_tables`), so that a later run knows whether the rows of a task are
// as it left them.
//
// Each table has an epoch, which ends when something else writes to it than before. A result with rows may be taken while the
// epochs of its tables go on. Tasks of one definition and one `alike` do not end each other's epochs: they write rows of their
// own. What other programs write is seen while a run goes on, and else by the number of rows.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { LeftTables } from "../../protocol/reuse.ts";
import { onlyRow } from "../only-row.ts";
import {
  countRows,
  leftTables,
  noTables,
  type TableRow,
  tableRows,
  whyChanged,
} from "../table-rows.ts";
import type { UnitWrites } from "./history.ts";

type Write = { readonly definition: string; task: TaskId } & UnitWrites;

const writeSql = `INSERT INTO pipeloom_tables (name, epoch, alike, definition, run_id, task_id, at) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT DO UPDATE SET epoch = epoch + (alike IS NULL OR excluded.alike IS NULL OR alike <> excluded.alike), alike = excluded.alike,
    definition = excluded.definition, run_id = excluded.run_id, task_id = excluded.task_id, at = excluded.at, rows = NULL
  RETURNING epoch`;
const endEpochsSql = `UPDATE pipeloom_tables SET epoch = epoch + 1, alike = NULL, definition = ?1, run_id = ?2, task_id = ?3, at = ?4, rows = NULL`;

export class TableEpochs {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #alikeOf: (definition: string) => number | null;
  /** In the order of the units. Units of one definition that follow one another are one. */
  #pending: Write[] = [];
  /** As of the last flush. */
  #rows: readonly TableRow[] | undefined;
  /** By definition; those that a later run may ask for. */
  #left: Map<string, LeftTables>;
  /** Those of `#left` that are not in the file. */
  readonly #changed = new Set<string>();
  /** `PRAGMA data_version`: another one after a commit of another connection. And the one of the last commit. */
  #version: number;
  #committedVersion: number;

  constructor(db: Database, run: RunId, alikeOf: (definition: string) => number | null) {
    this.#db = db;
    this.#run = run;
    this.#alikeOf = alikeOf;
    this.#version = this.#dataVersion();
    this.#committedVersion = this.#version;
    this.#left = this.#stored();
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#changed.size === 0;
  }

  #dataVersion(): number {
    using version = this.#db.prepare<{ data_version: number }, []>("PRAGMA data_version");
    return onlyRow(version.get()).data_version;
  }

  #stored(): Map<string, LeftTables> {
    using rows = this.#db.prepare<{ name: string; tables: string }, [number]>(
      "SELECT name, tables FROM pipeloom_definitions WHERE run_id = ? AND tables IS NOT NULL",
    );
    return new Map(rows.all(this.#run).map(({ name, tables }) => [name, leftTables(tables)]));
  }

  /** All rows of a table that has another number of rows than the last run left may be others. */
  begin(hasSchemaWritten: boolean, now: number): void {
    const at = toIso(now);
    if (hasSchemaWritten) this.#db.run(endEpochsSql, [null, null, null, at]);
    for (const { name, rows } of tableRows(this.#db)) {
      if (rows !== null && countRows(this.#db, name) === rows) continue;
      this.#db.run(`${endEpochsSql} WHERE name = ?5`, [null, null, null, at, name]);
    }
  }

  /** A unit of a task is applied. */
  add(definition: string, task: TaskId, writes: UnitWrites): void {
    const last = this.#pending.at(-1);
    if (
      last?.definition !== definition ||
      last.all !== writes.all ||
      last.hasEmitted !== writes.hasEmitted
    ) {
      this.#pending.push({ definition, task, ...writes, tables: new Set(writes.tables) });
      return;
    }
    last.task = task;
    for (const table of writes.tables) last.tables.add(table);
  }

  /** The results of these tasks must not be taken by a later run. */
  never(definition: string, why: string): void {
    if (this.#alikeOf(definition) === null) return;
    const left = this.#left.get(definition) ?? noTables;
    if (left.never !== undefined) return;
    this.#setLeft(definition, { ...left, never: why });
  }

  /** The result of an earlier run is taken, whose definition has left these tables. */
  reused(definition: string, { epochs }: LeftTables): void {
    for (const [table, epoch] of Object.entries(epochs)) this.#leave(definition, table, epoch);
  }

  /** The caller holds the transaction. */
  flush(now: number): void {
    this.#rows = undefined;
    const at = toIso(now);
    const version = this.#dataVersion();
    if (version !== this.#version) {
      this.#version = version;
      this.#db.run(endEpochsSql, [null, null, null, at]);
    }
    for (const write of this.#pending) this.#write(write, at);
    this.#pending = [];
    for (const name of this.#changed) {
      this.#db.run("UPDATE pipeloom_definitions SET tables = ? WHERE run_id = ? AND name = ?", [
        JSON.stringify(this.#left.get(name) ?? noTables),
        this.#run,
        name,
      ]);
    }
    this.#changed.clear();
  }

  #write({ definition, task, tables, all, hasEmitted }: Write, at: string): void {
    const alike = this.#alikeOf(definition);
    if (hasEmitted) this.never(definition, "it emitted messages");
    if (all) {
      this.#db.run(endEpochsSql, [definition, this.#run, task, at]);
      this.never(definition, "its messages may have written to any table");
    }
    using write = this.#db.prepare<{ epoch: number }, (string | number | null)[]>(writeSql);
    for (const table of tables) {
      const { epoch } = onlyRow(write.get(table, alike, definition, this.#run, task, at));
      if (alike !== null) this.#leave(definition, table, epoch);
    }
  }

  #leave(definition: string, table: string, epoch: number): void {
    const left = this.#left.get(definition) ?? noTables;
    const before = left.epochs[table];
    if (before === epoch) return;
    if (before === undefined) {
      this.#setLeft(definition, { ...left, epochs: { ...left.epochs, [table]: epoch } });
    } else this.never(definition, `others wrote to "${table}" while its tasks ran`);
  }

  #setLeft(definition: string, left: LeftTables): void {
    this.#left.set(definition, left);
    this.#changed.add(definition);
  }

  /** At the end of the run: how many rows it leaves in each table that it wrote last. */
  count(): void {
    for (const { name, run_id: run, rows } of tableRows(this.#db)) {
      if (run !== this.#run || rows !== null) continue;
      this.#db.run("UPDATE pipeloom_tables SET rows = ? WHERE name = ?", [
        countRows(this.#db, name),
        name,
      ]);
    }
  }

  committed(): void {
    this.#committedVersion = this.#version;
  }

  /** The transaction is rolled back. */
  discard(): void {
    this.#rows = undefined;
    this.#version = this.#committedVersion;
    this.#pending = [];
    this.#changed.clear();
    this.#left = this.#stored();
  }

  /** Why rows of these tables may no longer be as a task left them; undefined where they are. */
  whyChanged(left: LeftTables): string | undefined {
    if (left.never === undefined && Object.keys(left.epochs).length > 0) {
      this.#rows ??= tableRows(this.#db);
    }
    return whyChanged(this.#rows ?? [], left);
  }
}
