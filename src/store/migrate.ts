// Pipeloom's tables in the user's file: made, brought up to date, or refused. The version stands in a table of
// its own, because user_version and application_id are the user's.

import { Database } from "bun:sqlite";

import { StoreError } from "./store-error.ts";
import { ownTables } from "./own-tables.ts";
import v1 from "./migrations/0001.sql" with { type: "text" };
import v2 from "./migrations/0002.sql" with { type: "text" };

/** `migrations[n - 1]` leads from version n - 1 to n. A new version is one more file and one more line here. */
export const migrations: readonly string[] = [v1, v2];

const createVersion =
  "CREATE TABLE pipeloom_schema (version INTEGER NOT NULL); INSERT INTO pipeloom_schema VALUES (0)";

type Column = { readonly name: string; readonly type: string; readonly pk: number };
type SchemaObject = { readonly type: string; readonly name: string };

/**
 * The version of pipeloom's tables in this file: 0 when there are none. Only reads.
 *
 * @param path how the file is called in the error
 * @throws StoreError `newer-version`, or `table-clash` when something else stands under one of the names
 */
export function schemaVersion(
  db: Database,
  path: string,
  steps: readonly string[] = migrations,
): number {
  const found = objectsNamedLikeOurs(db);
  if (found.length === 0) return 0;
  const clash = found.find((object) => object.type !== "table");
  if (clash !== undefined) throw clashError(path, clash.type, clash.name);
  const version = storedVersion(db, path, found);
  if (version > steps.length) {
    throw new StoreError(
      "newer-version",
      `${path} was written by a newer pipeloom (its tables have version ${version}, this one knows up to ${steps.length}); ` +
        "update pipeloom, or choose another file with --db",
    );
  }
  checkShape(db, path, expectedTables(steps.slice(0, version)));
  return version;
}

/**
 * Brings pipeloom's tables to the newest version in one transaction; does not write when they are.
 *
 * @throws StoreError as schemaVersion does; the file is then as it was
 */
export function migrate(
  db: Database,
  path: string,
  steps: readonly string[] = migrations,
): { readonly from: number; readonly to: number } {
  const before = schemaVersion(db, path, steps);
  // Without the write lock where nothing is to do: another run in the same file is not waited for.
  if (before === steps.length) return { from: before, to: before };
  const upgrade = db.transaction(() => {
    const from = schemaVersion(db, path, steps);
    applySteps(db, steps, from);
    return { from, to: steps.length };
  });
  return upgrade.immediate();
}

function applySteps(db: Database, steps: readonly string[], from: number): void {
  if (from === 0) db.run(createVersion);
  for (const step of steps.slice(from)) db.run(step);
  db.run("UPDATE pipeloom_schema SET version = ?", [steps.length]);
}

function objectsNamedLikeOurs(db: Database): SchemaObject[] {
  const names = ownTables.map(() => "?").join(", ");
  using objects = db.prepare<SchemaObject, string[]>(
    `SELECT type, name FROM sqlite_schema WHERE lower(name) IN (${names})`,
  );
  return objects.all(...ownTables);
}

function storedVersion(db: Database, path: string, found: readonly SchemaObject[]): number {
  const own = found.find((object) => object.name === "pipeloom_schema");
  if (own === undefined) throw clashError(path, "table", found[0]?.name ?? "task_runs");
  if (!columns(db, own.name).some((column) => column.name === "version")) {
    throw clashError(path, "table", own.name);
  }
  using rows = db.prepare<{ version: unknown }, []>("SELECT version FROM pipeloom_schema LIMIT 2");
  const all = rows.all();
  const version = all[0]?.version;
  if (all.length !== 1 || typeof version !== "number" || !Number.isSafeInteger(version)) {
    throw clashError(path, "table", own.name);
  }
  if (version < 1) throw clashError(path, "table", own.name);
  return version;
}

function columns(db: Database, table: string): Column[] {
  using info = db.prepare<Column, [string]>("SELECT name, type, pk FROM pragma_table_info(?)");
  return info.all(table);
}

/** What the tables of that version look like, learned by making them: nothing to keep in step by hand. */
function expectedTables(steps: readonly string[]): Map<string, Column[]> {
  using db = new Database(":memory:");
  applySteps(db, steps, 0);
  using tables = db.prepare<{ name: string }, []>(
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  );
  return new Map(tables.all().map(({ name }) => [name, columns(db, name)]));
}

/** Columns that someone added are welcome; ours must be there as we made them. */
function checkShape(
  db: Database,
  path: string,
  expected: ReadonlyMap<string, readonly Column[]>,
): void {
  for (const [table, wanted] of expected) {
    const present = columns(db, table);
    const same = wanted.every((column) =>
      present.some((other) => Bun.deepEquals(other, column, true)),
    );
    if (!same) throw clashError(path, "table", table);
  }
}

const clashError = (path: string, type: string, name: string): StoreError =>
  new StoreError(
    "table-clash",
    `${path} has a ${type} "${name}" that is not pipeloom's; choose another file with --db, ` +
      "or leave pipeloom's tables out with --no-store-task-status",
  );
