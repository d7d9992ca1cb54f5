// Creates or migrates pipeloom's tables, or refuses the file. The version is in a table of its own, because user_version
// and application_id are the user's.

import { Database } from "bun:sqlite";

import { reasonOf } from "../base/system-error.ts";
import { sqliteCode } from "./sqlite-error.ts";
import { StoreError } from "./store-error.ts";
import { ownTables } from "./own-tables.ts";
import v1 from "./migrations/0001.sql" with { type: "text" };
import v2 from "./migrations/0002.sql" with { type: "text" };
import v3 from "./migrations/0003.sql" with { type: "text" };
import v4 from "./migrations/0004.sql" with { type: "text" };
import v5 from "./migrations/0005.sql" with { type: "text" };
import v6 from "./migrations/0006.sql" with { type: "text" };
import v7 from "./migrations/0007.sql" with { type: "text" };
import v8 from "./migrations/0008.sql" with { type: "text" };
import v9 from "./migrations/0009.sql" with { type: "text" };

/** `migrations[n - 1]` migrates from version n - 1 to n. A new version adds a file, and a line here. */
export const migrations: readonly string[] = [v1, v2, v3, v4, v5, v6, v7, v8, v9];

const createVersion =
  "CREATE TABLE pipeloom_schema (version INTEGER NOT NULL); INSERT INTO pipeloom_schema VALUES (0)";

type Column = { readonly name: string; readonly type: string; readonly pk: number };
type SchemaObject = { readonly type: string; readonly name: string };

/**
 * The version of pipeloom's tables in this file; 0 if it has none. Only reads.
 *
 * @param path the database as the user wrote it
 * @throws StoreError `newer-version`, or `table-clash` if another program's table has one of the names
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
 * Migrates pipeloom's tables to the newest version in one transaction. Writes nothing if they already have it.
 *
 * @throws as `schemaVersion`; the file is then unchanged
 */
export function migrate(
  db: Database,
  path: string,
  steps: readonly string[] = migrations,
): { readonly from: number; readonly to: number } {
  const before = schemaVersion(db, path, steps);
  // No write lock if there is nothing to do: it would wait for other runs in the same file.
  if (before === steps.length) return { from: before, to: before };
  const upgrade = db.transaction(() => {
    const from = schemaVersion(db, path, steps);
    try {
      applySteps(db, steps, from);
    } catch (thrown) {
      throw sqliteCode(thrown) === "SQLITE_ERROR" ? migrationError(path, from, thrown) : thrown;
    }
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

/** The columns of the tables after these steps. Runs the steps in memory, so that no second list is to be maintained. */
function expectedTables(steps: readonly string[]): Map<string, Column[]> {
  using db = new Database(":memory:");
  applySteps(db, steps, 0);
  using tables = db.prepare<{ name: string }, []>(
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  );
  return new Map(tables.all().map(({ name }) => [name, columns(db, name)]));
}

/** Additional columns are allowed. Pipeloom's own columns must be as created. */
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

/** For example, the file says version 1, but has a column of version 2. */
const migrationError = (path: string, from: number, thrown: unknown): StoreError =>
  new StoreError(
    "table-clash",
    `${path} has tables of pipeloom's that are not as version ${from} made them (${reasonOf(thrown)}); ` +
      "restore a copy, or choose another file with --db",
    { cause: thrown },
  );

const clashError = (path: string, type: string, name: string): StoreError =>
  new StoreError(
    "table-clash",
    `${path} has a ${type} "${name}" that is not pipeloom's; choose another file with --db, ` +
      "or leave pipeloom's tables out with --no-store-task-status",
  );
