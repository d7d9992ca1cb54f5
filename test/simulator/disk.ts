// Injects database faults: SQLite errors at a given statement, and the death of the process there, with the files in
// their current state.

import { Database, type Statement } from "bun:sqlite";

/** An error that a statement fails with. */
export type DiskFault = {
  /** Statement number, counted over all statements of the writer since it opened. */
  readonly atStatement: number;
  readonly code: "SQLITE_BUSY" | "SQLITE_FULL" | "SQLITE_IOERR_WRITE";
  /** Whether SQLite rolls back the transaction on this error; on other errors it stays open. */
  readonly undoes: boolean;
  /** Number of consecutive statements that fail. */
  readonly times: number;
};

const numbers = { SQLITE_BUSY: 5, SQLITE_FULL: 13, SQLITE_IOERR_WRITE: 778 } as const;
const messages = {
  SQLITE_BUSY: "database is locked",
  SQLITE_FULL: "database or disk is full",
  SQLITE_IOERR_WRITE: "disk I/O error",
} as const;

const sqliteError = (code: DiskFault["code"]): Error =>
  Object.assign(new Error(messages[code]), { name: "SQLiteError", code, errno: numbers[code] });

/** Called at each statement; may throw. */
export type StatementHook = (db: Database, sql: string, when: "before" | "after") => void;

/** Excludes statements on the lock's own database. */
const isLock = (db: Database): boolean => db.filename.endsWith(".lock");

const methods = ["run", "get", "all", "values"] as const;

/** Calls `hook` around each statement during `work`, and closes connections that are still open afterwards. */
export function withStatementHook<T>(hook: StatementHook, work: () => T): T {
  const { prototype } = Database;
  const run = Reflect.get(prototype, "run");
  const prepare = Reflect.get(prototype, "prepare");
  let depth = 0;
  const used = new Set<Database>();
  const statements: Statement[] = [];
  const around = <R>(db: Database, sql: string, call: () => R): R => {
    used.add(db);
    if (depth > 0 || isLock(db)) return call();
    depth++;
    try {
      hook(db, sql, "before");
      const result = call();
      hook(db, sql, "after");
      return result;
    } finally {
      depth--;
    }
  };
  const runHooked = function (this: Database, sql: string, ...rest: unknown[]): unknown {
    return around(this, sql, () => Reflect.apply(run, this, [sql, ...rest]));
  };
  Reflect.set(prototype, "run", runHooked);
  Reflect.set(prototype, "exec", runHooked);
  Reflect.set(prototype, "prepare", function (this: Database, sql: string, ...rest: unknown[]) {
    const statement: Statement = Reflect.apply(prepare, this, [sql, ...rest]);
    statements.push(statement);
    for (const name of methods) {
      const method: unknown = Reflect.get(statement, name);
      if (typeof method !== "function") continue;
      Reflect.set(statement, name, (...cells: unknown[]): unknown =>
        around(this, sql, () => Reflect.apply(method, statement, cells)),
      );
    }
    return statement;
  });
  try {
    return work();
  } finally {
    Reflect.set(prototype, "run", run);
    Reflect.set(prototype, "exec", run);
    Reflect.set(prototype, "prepare", prepare);
    // The kernel would close the files at process exit. A connection with an open statement cannot be closed.
    for (const statement of statements) statement.finalize();
    for (const db of used) db.close();
  }
}

/** Whether the statement can fail with this code. A read, for example, never fills the disk. */
function canFail(sql: string, code: DiskFault["code"], isInTransaction: boolean): boolean {
  // SQLITE_BUSY: only statements that take a lock. Inside a transaction, the lock is already held.
  if (code === "SQLITE_BUSY") {
    if (isInTransaction) return false;
    return /^\s*(?:BEGIN|SELECT .* FROM|PRAGMA (?:wal_checkpoint|optimize))/is.test(sql);
  }
  if (/^\s*(?:SELECT|PRAGMA busy_timeout)/i.test(sql)) return false;
  return !/^\s*(?:ROLLBACK|RELEASE|SAVEPOINT|PRAGMA)/i.test(sql);
}

/** Applies the faults of one session. */
export class Disk {
  readonly #faults: readonly DiskFault[];
  readonly #left: number[];
  statements = 0;
  /** Codes of the faults that have happened. */
  readonly happened = new Set<DiskFault["code"]>();

  constructor(faults: readonly DiskFault[]) {
    this.#faults = faults;
    this.#left = faults.map(({ times }) => times);
  }

  before(db: Database, sql: string): void {
    this.statements++;
    for (const [index, fault] of this.#faults.entries()) {
      const left = this.#left[index] ?? 0;
      if (
        this.statements < fault.atStatement ||
        left === 0 ||
        !canFail(sql, fault.code, db.inTransaction)
      )
        continue;
      this.#left[index] = left - 1;
      this.happened.add(fault.code);
      if (fault.undoes && fault.code !== "SQLITE_BUSY" && db.inTransaction) db.run("ROLLBACK");
      throw sqliteError(fault.code);
    }
  }
}
