// A task's unit, applied so that it can be undone alone: what is wrong with one unit does not touch its neighbours in
// the same transaction.

import type { Database } from "bun:sqlite";

import { type Failure, toFailure } from "../../base/failure.ts";
import { UnitItemReader } from "../../protocol/codec/unit-item.ts";
import { withoutOwnFrames } from "../../base/stack.ts";
import { assertNever } from "../../base/unreachable.ts";
import { RowsApplier } from "./apply-rows.ts";
import { type CustomMessages, endedTransaction } from "./custom-messages.ts";
import { RowsError } from "./rows-error.ts";
import type { Patience } from "../patience.ts";
import { isFatal } from "../store-error.ts";

/**
 * What undoes the unit under way. The first in a transaction needs no savepoint, and large units mostly are the first:
 * with one, SQLite copies each page aside before a statement of many rows changes it, into a temporary file from 64 KiB
 * on. (82,000 of 140,000 writes of a million rows, and a sixth of the writer's time in SQLite.)
 */
type Undo = "transaction" | "savepoint";

/** A unit has ended the transaction that holds its neighbours' units too. */
export class TransactionLostError extends Error {
  override readonly name = "TransactionLostError";
}

export class UnitApplier {
  readonly #db: Database;
  readonly #reader = new UnitItemReader();
  readonly #rows: RowsApplier;
  readonly #messages: CustomMessages;
  readonly #patience: Patience;
  #undo: Undo | undefined;
  #failure: Failure | undefined;

  constructor(db: Database, hasOwnTables: boolean, messages: CustomMessages, patience: Patience) {
    this.#db = db;
    this.#patience = patience;
    this.#rows = new RowsApplier(db, hasOwnTables, patience);
    this.#messages = messages;
  }

  /**
   * Applies one part; the first begins the unit, and a transaction when there is none. A part that does not fit undoes
   * the unit, and the rest of it is passed over.
   * @throws what means that the database itself cannot go on; TransactionLostError when the unit has ended a transaction
   *   that held more than itself (ON CONFLICT ROLLBACK, RAISE(ROLLBACK)): the units in it are to be applied again
   */
  part(post: string): void {
    this.#undo ??= this.#begin();
    if (this.#failure !== undefined) return;
    try {
      const part = this.#reader.read(post);
      switch (part.type) {
        case "rows":
          this.#rows.apply(part);
          break;
        case "emit":
          this.#messages.apply(part);
          break;
        default:
          assertNever(part);
      }
      // A message may have caught the error that said so: the unit would be stored without its beginning.
      if (!this.#db.inTransaction) throw new Error(endedTransaction);
    } catch (thrown) {
      if (isFatal(thrown)) throw thrown;
      if (this.#db.inTransaction) this.#rollBack();
      else if (this.#undo === "savepoint") throw this.#lost(thrown);
      this.#failure = failureOf(thrown);
    }
  }

  /** Keeps the unit, until the transaction is committed; or says why it could not be applied. */
  end(): Failure | undefined {
    const failure = this.#failure;
    if (this.#undo === "savepoint") this.#db.run("RELEASE unit");
    this.#undo = undefined;
    this.#failure = undefined;
    return failure;
  }

  /** Undoes a unit whose Worker is gone. */
  abandon(): void {
    if (this.#undo !== undefined && this.#failure === undefined) this.#rollBack();
    this.end();
  }

  #lost(cause: unknown): TransactionLostError {
    this.#undo = undefined;
    return new TransactionLostError("a unit has ended the transaction", { cause });
  }

  #begin(): Undo {
    const undo = this.#db.inTransaction ? "savepoint" : "transaction";
    this.#patience.run(() =>
      this.#db.run(undo === "savepoint" ? "SAVEPOINT unit" : "BEGIN IMMEDIATE"),
    );
    return undo;
  }

  #rollBack(): void {
    this.#db.run(this.#undo === "savepoint" ? "ROLLBACK TO unit" : "ROLLBACK");
  }

  close(): void {
    this.#rows.close();
    this.#messages.close();
  }
}

/** Why a unit that could be applied could not be committed. A deferred foreign key is all that SQLite checks so late. */
export function refusedAtCommit(thrown: unknown): Failure {
  const { stack: _, message, ...rest } = toFailure(thrown);
  return {
    ...rest,
    message: `its rows were refused at the commit: ${message} (a row refers to one that is not there, by a key that is DEFERRED)`,
  };
}

/** Where in pipeloom a row was refused tells nobody anything; where in a message's `apply` it was thrown does. */
function failureOf(thrown: unknown): Failure {
  const failure = withoutOwnFrames(toFailure(thrown));
  if (!(thrown instanceof RowsError)) return failure;
  const { stack: _, ...rest } = failure;
  return rest;
}
