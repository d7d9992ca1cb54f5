// Runs a pipeline's `schema` before its tasks, in one transaction.

import type { Database } from "bun:sqlite";
import { errorCode } from "../sqlite-error.ts";
import { firstLine, type SqlStatement, splitSql, transactionTrouble } from "../sql-text.ts";

/** `code` is SQLite's. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  readonly code: string | undefined;
  constructor({ number, text }: SqlStatement, why: string, cause?: unknown) {
    super(`schema: statement ${number} (${firstLine(text)}): ${why}`, { cause });
    this.code = errorCode(cause);
  }
}

/** @throws SchemaError that names the statement by number and first line; the database is then unchanged */
export function applySchema(db: Database, sql: string): void {
  const statements = splitSql(sql);
  for (const statement of statements) {
    const trouble = transactionTrouble(statement);
    if (trouble !== null) throw new SchemaError(statement, trouble);
  }
  if (statements.length === 0) return;
  db.run("BEGIN IMMEDIATE");
  try {
    for (const statement of statements) runStatement(db, statement);
    db.run("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
}

function runStatement(db: Database, statement: SqlStatement): void {
  try {
    db.run(statement.text);
  } catch (error) {
    throw new SchemaError(statement, error instanceof Error ? error.message : String(error), error);
  }
}
