// Arbitrary SQL on a database that may not be changed: for `pipeloom query` and `ctx.query`.

import type { Database, Statement } from "bun:sqlite";

import { checkSqlValues } from "../../protocol/sql-value.ts";
import { closeReadOnly, openReadOnly } from "./open.ts";
import { ReaderError, sqliteCode, toReaderError } from "./reader-error.ts";
import { firstStatement, hasMoreStatements, isBlank } from "./statements.ts";

export type Param = string | number | bigint | boolean | null | Uint8Array;
/** An integer beyond 2^53 is a bigint, any other a number. */
export type Value = string | number | bigint | null | Uint8Array;
export type Row = { [column: string]: Value };

export type Rows = {
  /** Distinct: the second `a` is `a:1`. */
  readonly columns: readonly string[];
  /** Once. While it is not at its end (or left with `break`), the WAL cannot start over: do not dawdle. */
  readonly rows: Iterable<Row>;
};

export type Reader = Disposable & {
  readonly path: string;
  /** @throws ReaderError `bad-sql` or `not-read-only`, or one about the file */
  query(sql: string, params?: readonly Param[]): Row[];
  /** @throws as query does, at once or at a row */
  iterate(sql: string, params?: readonly Param[]): Rows;
  /** All reads inside see the same state of the database. */
  snapshot<Result>(read: () => Result): Result;
  /** Changes with every commit of another connection. */
  version(): number;
  close(): void;
};

/** Statements that are kept compiled: a task asks the same thing again and again. */
const maxCached = 50;

/** @throws ReaderError when there is nothing to read at `path` */
export function openReader(path: string): Reader {
  return new SqliteReader(path, openReadOnly(path));
}

type Prepared = Statement<Row, Param[]>;

class SqliteReader implements Reader {
  readonly path: string;
  readonly #db: Database;
  readonly #cache = new Map<string, Prepared>();

  constructor(path: string, db: Database) {
    this.path = path;
    this.#db = db;
  }

  query(sql: string, params: readonly Param[] = []): Row[] {
    return this.#explained(() => {
      const statement = this.#cached(sql);
      checkParams(statement, params);
      return statement.all(...params).map(plainRow);
    });
  }

  iterate(sql: string, params: readonly Param[] = []): Rows {
    return this.#explained(() => {
      const statement = this.#distinct(sql);
      checkParams(statement, params);
      return { columns: statement.columnNames, rows: this.#stream(statement, params) };
    });
  }

  snapshot<Result>(read: () => Result): Result {
    return this.#explained(() => this.#db.transaction(read).deferred());
  }

  version(): number {
    return Number(this.query("PRAGMA data_version")[0]?.["data_version"] ?? 0);
  }

  close(): void {
    this.#cache.clear();
    closeReadOnly(this.#db, this.path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  *#stream(statement: Prepared, params: readonly Param[]): Generator<Row> {
    try {
      for (const row of statement.iterate(...params)) yield plainRow(row);
    } catch (thrown) {
      throw explain(thrown, this.path);
    } finally {
      statement.finalize();
    }
  }

  #cached(sql: string): Prepared {
    const known = this.#cache.get(sql);
    if (known !== undefined) return known;
    const statement = prepare(this.#db, sql);
    if (this.#cache.size >= maxCached) this.#evict();
    this.#cache.set(sql, statement);
    return statement;
  }

  #evict(): void {
    for (const [sql, statement] of this.#cache) {
      statement.finalize();
      this.#cache.delete(sql);
      return;
    }
  }

  /** A row is an object, in which two columns of one name would be one: SQLite renames those of a subquery. */
  #distinct(sql: string): Prepared {
    const statement = prepare(this.#db, sql);
    const { columnNames } = statement;
    if (new Set(columnNames).size === columnNames.length) return statement;
    statement.finalize();
    return prepare(this.#db, `SELECT * FROM (${firstStatement(sql)})`);
  }

  #explained<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (thrown) {
      throw explain(thrown, this.path);
    }
  }
}

function prepare(db: Database, sql: string): Prepared {
  if (isBlank(sql)) throw new ReaderError("bad-sql", "there is no SQL to run");
  if (hasMoreStatements(sql)) {
    throw new ReaderError("bad-sql", "only one SQL statement at a time can be run here");
  }
  const statement = db.prepare<Row, Param[]>(sql);
  // ATTACH counts as read-only to SQLite, and could create a file; it returns no rows.
  if (statement.readonly && statement.reader) return statement.safeIntegers(true);
  statement.finalize();
  throw new ReaderError(
    "not-read-only",
    `only reading is possible here, and this is more: ${shorten(sql)}`,
  );
}

/** SQLite would read a parameter that is not given as NULL. */
function checkParams(statement: Prepared, params: readonly Param[]): void {
  checkSqlValues(params);
  if (statement.paramsCount === params.length) return;
  throw new ReaderError(
    "bad-sql",
    `the SQL has ${statement.paramsCount} parameters, and ${params.length} values are given`,
  );
}

function explain(thrown: unknown, path: string): unknown {
  const code = sqliteCode(thrown);
  if (code.startsWith("SQLITE_READONLY")) {
    return new ReaderError("not-read-only", `only reading is possible here (${code})`, {
      cause: thrown,
    });
  }
  const known = toReaderError(thrown, path);
  if (known !== thrown || code === "") return known;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ReaderError("bad-sql", message, { cause: thrown });
}

const shorten = (sql: string): string => {
  const line = sql.trim().replaceAll(/\s+/g, " ");
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
};

/** The row is SQLite's own object, made for us: it can be changed in place. */
function plainRow(row: Row): Row {
  for (const column in row) {
    const value = row[column];
    if (typeof value === "bigint" && isSafe(value)) row[column] = Number(value);
  }
  return row;
}

const isSafe = (value: bigint): boolean =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
