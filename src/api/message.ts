// A user's own message: sent by a task with `ctx.emit`, applied by the writer inside the task's transaction.

/** What `apply` may do with the database: everything but end the transaction it runs in. */
export interface MessageDb {
  /** Runs one statement. */
  run(
    sql: string,
    ...params: MessageParam[]
  ): { changes: number; lastInsertRowid: number | bigint };
  /** All rows of one statement. */
  all<Result = Record<string, unknown>>(sql: string, ...params: MessageParam[]): Result[];
  /** The first row, or null. */
  get<Result = Record<string, unknown>>(sql: string, ...params: MessageParam[]): Result | null;
}

export type MessageParam = string | number | bigint | boolean | null | Uint8Array;

export type MessageHandle<Payload> = {
  readonly name: string;
  readonly apply: (db: MessageDb, payload: Payload) => void;
};

/**
 * Defines a message type. `apply` runs in the writer thread, synchronously, in the sender's unit; what it throws
 * fails the sending task alone. The payload is a JSON value.
 */
export function message<Payload>(
  name: string,
  apply: (db: MessageDb, payload: Payload) => void,
): MessageHandle<Payload> {
  if (name === "") throw new TypeError("message: the name must not be empty");
  return { name, apply };
}
