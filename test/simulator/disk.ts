// Faults of the database: SQLite's own errors, at the statement that the scenario says; and the process's death there,
// with the files as they are at that instant.

import { Database, type Statement } from "bun:sqlite";

/** What a statement fails with. */
export type DiskFault = {
  /** Counted over all statements of the writer, from its opening on. */
  readonly atStatement: number;
  readonly code: "SQLITE_BUSY" | "SQLITE_FULL" | "SQLITE_IOERR_WRITE";
  /** SQLite undoes the whole transaction on some of these errors, and leaves it open on others. */
  readonly undoes: boolean;
  /** How many statements in a row. */
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

/** What happens at a statement; may throw. */
export type StatementHook = (db: Database, sql: string, when: "before" | "after") => void;

/** Statements of the lock's own database are not the database's. */
const isLock = (db: Database): boolean => db.filename.endsWith(".lock");

const methods = ["run", "get", "all", "values"] as const;

/** Calls `hook` around each statement that is run while `work` runs, and closes what is left open then. */
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
    // The kernel would, when the process ends. A connection with an open statement stays open.
    for (const statement of statements) statement.finalize();
    for (const db of used) db.close();
  }
}

/** Whether this statement can fail in this way at all; a read, for one, never fills the disk. */
function canFail(sql: string, code: DiskFault["code"]): boolean {
  // While the transaction is held nobody else's lock is in the way; with a rollback journal, its end may be.
  if (code === "SQLITE_BUSY") {
    return /^\s*(?:BEGIN|SELECT .* FROM task_runs WHERE run_id = \? AND id|PRAGMA (?:wal_checkpoint|optimize))/i.test(
      sql,
    );
  }
  if (/^\s*(?:SELECT|PRAGMA busy_timeout)/i.test(sql)) return false;
  return !/^\s*(?:ROLLBACK|RELEASE|SAVEPOINT|PRAGMA)/i.test(sql);
}

/** Applies the faults of one session. */
export class Disk {
  readonly #faults: readonly DiskFault[];
  readonly #left: number[];
  statements = 0;
  /** Those that have happened. */
  readonly happened = new Set<DiskFault["code"]>();

  constructor(faults: readonly DiskFault[]) {
    this.#faults = faults;
    this.#left = faults.map(({ times }) => times);
  }

  before(db: Database, sql: string): void {
    this.statements++;
    for (const [index, fault] of this.#faults.entries()) {
      const left = this.#left[index] ?? 0;
      if (this.statements < fault.atStatement || left === 0 || !canFail(sql, fault.code)) continue;
      this.#left[index] = left - 1;
      this.happened.add(fault.code);
      if (fault.undoes && fault.code !== "SQLITE_BUSY" && db.inTransaction) db.run("ROLLBACK");
      throw sqliteError(fault.code);
    }
  }
}
