// Runs a pipeline's `schema` before its tasks, in the transaction that begins or continues the run.
//
// A run that continues has its tables already, with the rows of its done tasks in them: `DROP TABLE IF EXISTS` or `DELETE`
// would take these away for good, and an `INSERT` would come twice. So only what does no harm runs again: CREATE … IF NOT
// EXISTS, which an edit may have added, and what belongs to the connection.

import type { Database } from "bun:sqlite";
import { firstFew } from "../../base/first-few.ts";
import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { ownTables } from "../own-tables.ts";
import { codeOf } from "../../base/system-error.ts";
import {
  firstLine,
  type SqlStatement,
  splitSql,
  transactionTrouble,
  withoutComments,
} from "../sql-text.ts";

/** `code` is SQLite's. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  readonly code: string | undefined;
  constructor(statement: SqlStatement, why: string, cause?: unknown) {
    super(`schema: ${shown(statement)}: ${why}`, { cause });
    this.code = codeOf(cause);
  }
}

const shown = ({ number, text }: SqlStatement): string =>
  `statement ${number} (${firstLine(text)})`;

/** Does no harm where it has run before. */
const isRepeatable = ({ text }: SqlStatement): boolean =>
  /^\s*(?:PRAGMA\b|CREATE\s+TEMP(?:ORARY)?\b|CREATE\s+(?:UNIQUE\s+|VIRTUAL\s+)?(?:TABLE|INDEX|VIEW|TRIGGER)\s+IF\s+NOT\s+EXISTS\b)/i.test(
    withoutComments(text),
  );

/**
 * The caller holds the transaction, and rolls it back after an error.
 * @param isContinued the run has had an earlier session
 * @returns the statements that were left out, because the run is continued
 * @throws SchemaError that names the statement by number and first line
 */
export function applySchema(
  db: Database,
  sql: string,
  isContinued = false,
): readonly SqlStatement[] {
  const statements = splitSql(sql);
  for (const statement of statements) {
    const trouble = transactionTrouble(statement);
    if (trouble !== null) throw new SchemaError(statement, trouble);
  }
  const leftOut = isContinued ? statements.filter((statement) => !isRepeatable(statement)) : [];
  for (const statement of statements) {
    if (!leftOut.includes(statement)) runStatement(db, statement);
  }
  return leftOut;
}

/** For the user; undefined if nothing was left out. */
export const leftOutNotice = (run: RunId, leftOut: readonly SqlStatement[]): string | undefined =>
  leftOut.length === 0
    ? undefined
    : `schema: left out, because run ${run} is continued, and its rows stay: ${firstFew(leftOut.map(shown))}`;

function runStatement(db: Database, statement: SqlStatement): void {
  const own = ownTables.filter((name) => statement.text.toLowerCase().includes(name));
  const before = own.length === 0 ? undefined : definitionsOf(db);
  try {
    db.run(statement.text);
  } catch (error) {
    throw new SchemaError(statement, error instanceof Error ? error.message : String(error), error);
  }
  if (before === undefined || definitionsOf(db) === before) return;
  throw new SchemaError(
    statement,
    `it changes a table in which pipeloom records its runs (${own.join(", ")}); leave that as it is`,
  );
}

/** Of pipeloom's own tables, as one text. */
function definitionsOf(db: Database): string {
  const names = ownTables.map((name) => `'${name}'`).join();
  using rows = db.prepare(
    `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND lower(name) IN (${names}) ORDER BY name`,
  );
  return JSON.stringify(rows.values());
}
