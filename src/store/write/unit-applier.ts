// Applies a task's unit (its rows and messages) so that it can be undone alone: a failure in one unit does not touch the
// other units of the transaction.

import type { Database } from "bun:sqlite";

import { type Failure, toFailure } from "../../base/failure.ts";
import { UnitItemReader } from "../../protocol/codec/unit-item.ts";
import { withoutOwnFrames } from "../../base/stack.ts";
import { assertNever } from "../../base/unreachable.ts";
import { RowsApplier } from "./apply-rows.ts";
import { RepeatRule } from "./repeat-rule.ts";
import { type CustomMessages, endedTransaction } from "./custom-messages.ts";
import { RowsError } from "./rows-error.ts";
import { type StateOwner, StateTable } from "./state-table.ts";
import { TableMaker } from "./table-maker.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { isFatal } from "../store-error.ts";
import type { UnitWrites } from "./history.ts";
import type { WrittenTables } from "./written-tables.ts";

/**
 * How the open unit is undone. The first unit of a transaction needs no savepoint. Large units mostly are the first, and
 * within a savepoint SQLite copies each page before a statement of many rows changes it, from 64 KiB on into a temporary
 * file: 82,000 of 140,000 writes for a million rows, and a sixth of the writer's time in SQLite.
 */
type Undo = "transaction" | "savepoint";

/** A unit has ended the transaction, which also holds other units. */
export class TransactionLostError extends Error {
  override readonly name = "TransactionLostError";
}

export class UnitApplier {
  readonly #db: Database;
  readonly #reader = new UnitItemReader();
  readonly #rows: RowsApplier;
  readonly #tables: TableMaker;
  readonly #state: StateTable | undefined;
  readonly #messages: CustomMessages;
  readonly #repeatRule: RepeatRule;
  readonly #busyHandler: BusyHandler;
  /** Undefined where nobody asks which tables units write. */
  readonly #writes: WrittenTables | undefined;
  #hasEmitted = false;
  #undo: Undo | undefined;
  #failure: Failure | undefined;
  /** The open unit inserts rows or emits messages, or see repeat-rule.ts: applied a second time, it would do so twice. */
  repeats = false;
  /** Of the open unit. */
  rows = 0;

  /** @param run null where it is not recorded: the file has no tables of pipeloom's own */
  constructor(
    db: Database,
    run: StateOwner | null,
    messages: CustomMessages,
    busyHandler: BusyHandler,
    writes?: WrittenTables,
  ) {
    this.#db = db;
    this.#busyHandler = busyHandler;
    this.#writes = writes;
    this.#rows = new RowsApplier(db, run !== null, busyHandler, writes);
    this.#tables = new TableMaker(db, run !== null, busyHandler);
    this.#state = run === null ? undefined : new StateTable(db, run, busyHandler);
    this.#messages = messages;
    this.#repeatRule = new RepeatRule(db);
  }

  /**
   * Applies one item. The first item begins the unit, and a transaction if none is open. An item that is refused undoes the
   * unit; the unit's later items are ignored, and `end` returns the failure.
   * @throws fatal errors of the database; TransactionLostError if the unit has ended a transaction that also holds other
   *   units (ON CONFLICT ROLLBACK, RAISE(ROLLBACK)), which are then to be applied again
   */
  apply(text: string): void {
    this.#undo ??= this.#begin();
    if (this.#failure !== undefined) return;
    try {
      const item = this.#reader.read(text);
      switch (item.type) {
        case "rows":
          this.repeats ||= this.#repeatRule.repeats(item);
          this.#rows.apply(item);
          this.rows += item.rowCount;
          break;
        case "table":
          this.#tables.apply(item);
          break;
        case "state":
          if (this.#state === undefined)
            throw new Error("Internal error: a state without its table");
          this.#state.set(item);
          break;
        case "emit":
          this.repeats = true;
          this.#hasEmitted = true;
          this.#messages.apply(item);
          break;
        default:
          assertNever(item);
      }
      // A message's `apply` may have caught the error. Without this check, the unit would be stored without its beginning.
      if (!this.#db.inTransaction) throw new Error(endedTransaction);
    } catch (thrown) {
      if (isFatal(thrown)) throw thrown;
      if (this.#db.inTransaction) this.#rollBack();
      else if (this.#undo === "savepoint") throw this.#lost(thrown);
      this.#failure = failureOf(thrown);
    }
  }

  /** What the open unit has written, before `end`; undefined where it has written nothing, or nobody asks. */
  takeWrites(): UnitWrites | undefined {
    if (this.#writes === undefined) return undefined;
    const written = this.#writes.take();
    const hasEmitted = this.#hasEmitted;
    this.#hasEmitted = false;
    if (written === undefined && !hasEmitted) return undefined;
    return { tables: written?.tables ?? new Set(), all: written?.all ?? false, hasEmitted };
  }

  /** Ends the unit: it stays in the transaction, unless the returned failure has undone it. */
  end(): Failure | undefined {
    const failure = this.#failure;
    if (this.#undo === "savepoint") this.#db.run("RELEASE unit");
    this.#undo = undefined;
    this.#failure = undefined;
    return failure;
  }

  /** Undoes the open unit. */
  abandon(): void {
    if (this.#undo !== undefined && this.#failure === undefined) this.#rollBack();
    this.takeWrites();
    this.end();
  }

  #lost(cause: unknown): TransactionLostError {
    this.#undo = undefined;
    return new TransactionLostError("a unit has ended the transaction", { cause });
  }

  #begin(): Undo {
    this.repeats = false;
    this.rows = 0;
    // Of a unit that was lost with its transaction.
    this.takeWrites();
    const undo = this.#db.inTransaction ? "savepoint" : "transaction";
    this.#busyHandler.run(() =>
      this.#db.run(undo === "savepoint" ? "SAVEPOINT unit" : "BEGIN IMMEDIATE"),
    );
    return undo;
  }

  #rollBack(): void {
    this.#db.run(this.#undo === "savepoint" ? "ROLLBACK TO unit" : "ROLLBACK");
  }

  close(): void {
    this.#rows.close();
    this.#tables.close();
    this.#state?.close();
    this.#messages.close();
  }
}

/** The failure of a unit that was applied but not committed. SQLite checks only deferred foreign keys at the commit. */
export function refusedAtCommit(thrown: unknown): Failure {
  const { stack: _, message, ...rest } = toFailure(thrown);
  return {
    ...rest,
    message: `its rows were refused at the commit: ${message} (a row refers to one that is not there, by a key that is DEFERRED)`,
  };
}

/** A refused row has no stack: it would show pipeloom's own code only. An error of a message's `apply` keeps its stack. */
function failureOf(thrown: unknown): Failure {
  const failure = withoutOwnFrames(toFailure(thrown));
  if (!(thrown instanceof RowsError)) return failure;
  const { stack: _, ...rest } = failure;
  return rest;
}
