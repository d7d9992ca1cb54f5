// A read-only connection that runs any SQL: for `pipeloom query`, `pipeloom status` and `ctx.query`.

import type { Database, Statement } from "bun:sqlite";

import { plural } from "../../base/text.ts";
import { checkSqlValues } from "../../protocol/sql-value.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { splitSql, withoutComments } from "../sql-text.ts";
import { onlyRow } from "../only-row.ts";
import { sqliteCode } from "../sqlite-error.ts";
import { closeReadOnly, openReadOnly } from "./open-read-only.ts";
import { ReaderError, toReaderError } from "./reader-error.ts";

type Param = string | number | bigint | boolean | null | Uint8Array;
/** Integers beyond 2^53 are bigints, all other numbers are numbers. */
export type Value = string | number | bigint | null | Uint8Array;
export type Row = { [column: string]: Value };

type Rows = {
  /** Distinct: a second `a` becomes `a:1`. */
  readonly columns: readonly string[];
  /** To be iterated once, and soon: until its end (or a `break`), SQLite cannot restart the WAL. */
  readonly rows: Iterable<Row>;
};

export type Reader = Disposable & {
  readonly path: string;
  /** The database is in WAL mode. */
  readonly isWal: boolean;
  /** @throws ReaderError `bad-sql` or `not-read-only`, or one about the file */
  query(sql: string, params?: readonly Param[]): Row[];
  /** Like `query`, but each integer is a bigint. Many rows without integers are read in two thirds of the time. */
  queryRaw(sql: string, params?: readonly Param[]): Row[];
  /** @throws like `query`, at the call or at a row */
  iterate(sql: string, params?: readonly Param[]): Rows;
  /** All reads within `read` see one state of the database. */
  snapshot<Result>(read: () => Result): Result;
  /** `PRAGMA data_version`: changes with each commit of another connection. */
  version(): number;
  close(): void;
};

/** Prepared statements to keep: tasks repeat their queries. */
const maxCached = 50;

/**
 * @param busyHandler waits for locks; without it, a lock of more than 250 ms is an error
 * @throws ReaderError if `path` has no readable database
 */
export function openReader(path: string, busyHandler?: BusyHandler): Reader {
  return new SqliteReader(path, openReadOnly(path, busyHandler), busyHandler);
}

type Prepared = Statement<Row, Param[]>;

class SqliteReader implements Reader {
  readonly path: string;
  readonly #db: Database;
  readonly #busyHandler: BusyHandler | undefined;
  readonly #cache = new Map<string, Prepared>();

  constructor(path: string, db: Database, busyHandler: BusyHandler | undefined) {
    this.path = path;
    this.#db = db;
    this.#busyHandler = busyHandler;
  }

  get isWal(): boolean {
    using pragma = this.#db.prepare<{ journal_mode: string }, []>("PRAGMA journal_mode");
    return onlyRow(pragma.get()).journal_mode === "wal";
  }

  query(sql: string, params: readonly Param[] = []): Row[] {
    return this.queryRaw(sql, params).map(plainRow);
  }

  queryRaw(sql: string, params: readonly Param[] = []): Row[] {
    return this.#explained(() => {
      const statement = this.#cached(sql);
      checkParams(statement, params);
      return statement.all(...params);
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
    return Number(onlyRow(this.query("PRAGMA data_version")[0])["data_version"]);
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
      // SQLite takes its lock at the first row and keeps it.
      let { rows, next } = this.#explained(() => {
        const begun = statement.iterate(...params);
        return { rows: begun, next: begun.next() };
      });
      for (; next.done !== true; next = rows.next()) yield plainRow(next.value);
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

  /** In a row object, equal column names would overwrite each other. SQLite renames those of a subquery. */
  #distinct(sql: string): Prepared {
    const statement = prepare(this.#db, sql);
    const { columnNames } = statement;
    if (new Set(columnNames).size === columnNames.length) return statement;
    statement.finalize();
    // The statement's own comment could swallow the closing parenthesis.
    return prepare(this.#db, `SELECT * FROM (${withoutComments(onlyStatement(sql))})`);
  }

  #explained<Result>(act: () => Result): Result {
    try {
      return this.#busyHandler === undefined ? act() : this.#busyHandler.run(act);
    } catch (thrown) {
      throw explain(thrown, this.path);
    }
  }
}

/** SQLite would prepare the first statement and ignore the rest in silence. */
function onlyStatement(sql: string): string {
  const [first, ...more] = splitSql(sql);
  if (first === undefined) throw new ReaderError("bad-sql", "there is no SQL to run");
  if (more.length === 0) return first.text;
  throw new ReaderError("bad-sql", "only one SQL statement at a time can be run here");
}

function prepare(db: Database, sql: string): Prepared {
  const statement = db.prepare<Row, Param[]>(onlyStatement(sql));
  // SQLite calls ATTACH read-only, but it can create a file. It returns no rows.
  if (statement.readonly && statement.reader) return statement.safeIntegers(true);
  statement.finalize();
  throw new ReaderError(
    "not-read-only",
    `only reading is possible here, and this is more: ${shorten(sql)}`,
  );
}

/** SQLite would bind NULL to a missing parameter. */
function checkParams(statement: Prepared, params: readonly Param[]): void {
  checkSqlValues(params);
  if (statement.paramsCount === params.length) return;
  throw new ReaderError(
    "bad-sql",
    `the SQL has ${plural(statement.paramsCount, "parameter")}, and gets ${plural(params.length, "value")}`,
  );
}

function explain(thrown: unknown, path: string): unknown {
  const code = sqliteCode(thrown);
  if (code?.startsWith("SQLITE_READONLY") === true) {
    return new ReaderError("not-read-only", `only reading is possible here (${code})`, {
      cause: thrown,
    });
  }
  const known = toReaderError(thrown, path);
  if (known !== thrown || code === undefined) return known;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ReaderError("bad-sql", message, { cause: thrown });
}

const shorten = (sql: string): string => {
  const line = sql.trim().replaceAll(/\s+/g, " ");
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
};

/** Changes the row in place: SQLite created it for this call. */
function plainRow(row: Row): Row {
  for (const column in row) {
    const value = row[column];
    if (typeof value === "bigint" && isSafe(value)) row[column] = Number(value);
  }
  return row;
}

const isSafe = (value: bigint): boolean =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
