// A task's unit, applied in a savepoint of its own: what is wrong with one unit does not touch its neighbours in the
// same transaction.

import type { Database } from "bun:sqlite";

import { type Failure, toFailure } from "../protocol/failure.ts";
import { readPart } from "../protocol/unit-part.ts";
import { withoutOwnFrames } from "../protocol/stack.ts";
import { assertNever } from "../protocol/unreachable.ts";
import { RowsApplier } from "./apply-rows.ts";
import type { CustomMessages } from "./custom-messages.ts";
import { RowsError } from "./rows-error.ts";
import { isFatal } from "./store-error.ts";

export class UnitApplier {
  readonly #db: Database;
  readonly #rows: RowsApplier;
  readonly #messages: CustomMessages;
  #open = false;
  #failure: Failure | undefined;

  constructor(db: Database, messages: CustomMessages) {
    this.#db = db;
    this.#rows = new RowsApplier(db);
    this.#messages = messages;
  }

  /**
   * Applies one part; the first opens the savepoint. A part that does not fit undoes the unit, and the rest of it is
   * passed over.
   * @throws what means that the database itself cannot go on
   */
  part(text: string): void {
    if (!this.#open) {
      this.#db.run("SAVEPOINT unit");
      this.#open = true;
    }
    if (this.#failure !== undefined) return;
    try {
      const part = readPart(text);
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
    } catch (thrown) {
      // A transaction that is gone took the neighbours' units with it: that cannot be put down to this task alone.
      if (isFatal(thrown) || !this.#db.inTransaction) throw thrown;
      this.#failure = failureOf(thrown);
      this.#db.run("ROLLBACK TO unit");
    }
  }

  /** Keeps the unit; or says why it could not be applied. */
  end(): Failure | undefined {
    const failure = this.#failure;
    if (this.#open) this.#db.run("RELEASE unit");
    this.#open = false;
    this.#failure = undefined;
    return failure;
  }

  /** Undoes a unit whose Worker is gone. */
  abandon(): void {
    if (this.#open && this.#db.inTransaction) this.#db.run("ROLLBACK TO unit");
    this.end();
  }

  close(): void {
    this.#rows.close();
    this.#messages.close();
  }
}

/** Where in pipeloom a row was refused tells nobody anything; where in a message's `apply` it was thrown does. */
function failureOf(thrown: unknown): Failure {
  const failure = withoutOwnFrames(toFailure(thrown));
  if (!(thrown instanceof RowsError)) return failure;
  const { stack: _, ...rest } = failure;
  return rest;
}
