// A user's own message type: a task sends it with `ctx.emit`, the writer applies it inside the task's transaction.

import { shownValue } from "../base/describe-value.ts";
import { isName } from "./option.ts";

/** The database, as `apply` sees it. Every statement is allowed, except those that end the transaction. */
export interface MessageDb {
  /** Executes one statement. */
  run(
    sql: string,
    ...params: MessageParam[]
  ): { changes: number; lastInsertRowid: number | bigint };
  /** Executes one statement, and returns all of its rows. */
  all<Result = Record<string, unknown>>(sql: string, ...params: MessageParam[]): Result[];
  /** Executes one statement, and returns the first row, or null. */
  get<Result = Record<string, unknown>>(sql: string, ...params: MessageParam[]): Result | null;
}

export type MessageParam = string | number | bigint | boolean | null | Uint8Array;

export type MessageHandle<Payload> = {
  readonly name: string;
  readonly apply: (db: MessageDb, payload: Payload) => void;
};

/**
 * Defines a message type. List it in the pipeline's `messages`.
 * @param apply runs synchronously in the writer thread, in the transaction of the sending task. An error that it throws
 *   fails that task alone. The payload is a JSON value.
 * @throws TypeError for an empty name, and for an `apply` that is no function
 */
export function message<Payload>(
  name: string,
  apply: (db: MessageDb, payload: Payload) => void,
): MessageHandle<Payload> {
  if (!isName(name)) {
    throw new TypeError(`message: the name must not be empty: ${shownValue(name)}`);
  }
  if (typeof apply !== "function") {
    throw new TypeError(`message "${name}": apply must be a function, not ${shownValue(apply)}`);
  }
  return { name, apply };
}
