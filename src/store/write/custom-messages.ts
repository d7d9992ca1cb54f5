// Applies the pipeline's own messages (`message(name, apply)`), each within the unit of the task that emitted it.

import type { Database, Statement } from "bun:sqlite";
import { thrownAt } from "../../base/thrown-at.ts";
import { JSON, Promise } from "../../base/globals.ts";
import type { MessageDb, MessageHandle, MessageParam } from "../../api/message.ts";
import { checkSqlValues } from "../../protocol/sql-value.ts";
import type { EmittedMessage } from "../../protocol/codec/unit-item.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { splitSql, transactionTrouble } from "../sql-text.ts";
import type { WrittenTables } from "./written-tables.ts";
import { isThenable } from "../../base/is-thenable.ts";

type MessageStatement = Statement<unknown, MessageParam[]>;

export const endedTransaction =
  "a message's apply ended the transaction (by ON CONFLICT ROLLBACK, or RAISE(ROLLBACK) in a trigger): what tasks sent in it is undone";

const remedy = "fetch in the task, and send the result";

/** Prepared statements to keep. Without a bound, SQL texts that differ in each call would fill memory. */
const maxStatements = 200;

export class CustomMessages {
  readonly #handlers: ReadonlyMap<string, MessageHandle<never>>;
  readonly #db: UnitDb;
  /** The name of the message that was applied last. */
  #last: string | undefined;

  /** @param writes where somebody asks which tables units write */
  constructor(
    db: Database,
    handlers: Iterable<MessageHandle<never>>,
    busyHandler: BusyHandler,
    writes?: WrittenTables,
  ) {
    this.#handlers = new Map(Array.from(handlers, (handle) => [handle.name, handle]));
    this.#db = new UnitDb(db, busyHandler, writes);
  }

  /**
   * Runs the message's `apply`. The caller holds the transaction, and undoes the unit if this throws.
   * @throws the error of `apply`, unchanged; an Error for a message that the pipeline does not list; a TypeError if `apply`
   *   is asynchronous
   */
  apply({ message, payload }: EmittedMessage): void {
    const handle = this.#handlers.get(message);
    if (handle === undefined) throw this.#unknown(message);
    this.#last = message;
    const result = this.#db.open((db) => this.#call(handle, db, payload));
    if (!isThenable(result)) return;
    // A later rejection must not end the writer: the error below already reports the mistake.
    Promise.resolve(result).catch(() => undefined);
    throw new TypeError(
      `message "${message}": apply must not be async: the transaction ends before it would go on (${remedy})`,
    );
  }

  /**
   * The error of the run after an uncaught error: a promise or a timer that an `apply` left behind. Its writes are lost,
   * and its task may be done already, so the run must end. The runtime reports a rejection without its async context, so
   * only the last message's name is known.
   * @param file the pipeline's file
   * @returns undefined if no message has been applied yet: then the module caused the error
   */
  leftBehind(thrown: unknown, file: string): Error | undefined {
    if (this.#last === undefined) return undefined;
    return new Error(
      `what a message's apply left behind has failed (the last was "${this.#last}"): ${thrownAt(thrown, file)}; an apply must have done all when it returns (${remedy})`,
      { cause: thrown },
    );
  }

  /** Finalizes the statements: before that, the connection cannot be closed. */
  close(): void {
    this.#db.close();
  }

  #call(handle: MessageHandle<never>, db: MessageDb, payload: string): unknown {
    const apply: (db: MessageDb, payload: never) => unknown = handle.apply;
    return apply(db, JSON.parse(payload) as never);
  }

  #unknown(name: string): Error {
    const known = [...this.#handlers.keys()];
    const there =
      known.length === 0
        ? "it lists none"
        : `it lists: ${known.map((each) => `"${each}"`).join(", ")}`;
    return new Error(`message "${name}" is not in the pipeline's \`messages\`; ${there}`);
  }
}

/** The database that `apply` gets: reads and writes within the transaction, only during the call. */
class UnitDb {
  readonly #db: Database;
  readonly #busyHandler: BusyHandler;
  readonly #writes: WrittenTables | undefined;
  readonly #statements = new Map<string, MessageStatement>();
  #isOpen = false;

  constructor(db: Database, busyHandler: BusyHandler, writes: WrittenTables | undefined) {
    this.#db = db;
    this.#busyHandler = busyHandler;
    this.#writes = writes;
  }

  open<Result>(use: (db: MessageDb) => Result): Result {
    this.#isOpen = true;
    try {
      return use({
        run: (sql, ...params) =>
          this.#busyHandler.run(() => this.#statement(sql, params).run(...params)),
        // The caller declares the row's type. `all` and `get` may write too (RETURNING).
        all: (sql, ...params) =>
          this.#busyHandler.run(() => this.#statement(sql, params).all(...params)) as never,
        get: (sql, ...params) =>
          this.#busyHandler.run(() => this.#statement(sql, params).get(...params)) as never,
      });
    } finally {
      this.#isOpen = false;
    }
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
  }

  /** @param params of the next run: bun:sqlite would fill missing ones with those of the statement's last run */
  #statement(sql: string, params: readonly MessageParam[]): MessageStatement {
    checkSqlValues(params);
    const statement = this.#prepared(sql);
    this.#writes?.note(sql, () => sql);
    if (params.length === statement.paramsCount) return statement;
    throw new Error(
      `this SQL takes values (${statement.paramsCount}), and was given ${params.length === 0 ? "none" : params.length}: ${sql}`,
    );
  }

  #prepared(sql: string): MessageStatement {
    if (!this.#isOpen) {
      throw new Error("a message's db works only while its apply runs; do not keep it");
    }
    // Outside the transaction, a write would stay even if the unit is undone.
    if (!this.#db.inTransaction) throw new Error(endedTransaction);
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    checkStatement(sql);
    const statement = this.#db.prepare<unknown, MessageParam[]>(sql);
    this.#statements.set(sql, statement);
    this.#forgetOldest();
    return statement;
  }

  #forgetOldest(): void {
    if (this.#statements.size <= maxStatements) return;
    for (const [sql, statement] of this.#statements) {
      statement.finalize();
      this.#statements.delete(sql);
      return;
    }
  }
}

function checkStatement(sql: string): void {
  const [statement, ...more] = splitSql(sql);
  if (statement === undefined) throw new Error("there is no statement in this SQL");
  if (more.length > 0) {
    throw new Error(`one statement at a time, not ${more.length + 1}: call run once for each`);
  }
  const trouble = transactionTrouble(statement);
  if (trouble !== null) throw new Error(trouble);
  // bun:sqlite leaves an EXPLAIN of a write open, and an open statement blocks the commit.
  if (statement.words[0] === "EXPLAIN") {
    throw new Error("EXPLAIN cannot run here: look at a plan with `sqlite3`, or in a copy");
  }
  if (statement.words[0] === "PRAGMA") {
    throw new Error("PRAGMA cannot run here: it changes the one connection of all tasks");
  }
}
