// `ctx.state.set`: values that a pipeline keeps from run to run, in the unit's transaction. The caller can undo the unit.

import type { Database, Statement } from "bun:sqlite";

import { toIso } from "../../base/iso-time.ts";
import type { StateValue } from "../../protocol/codec/unit-item.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { BusyHandler } from "../busy-handler.ts";

export type StateOwner = { readonly run: RunId; readonly pipeline: string };

const setSql = `INSERT INTO pipeloom_state (pipeline, key, value, run_id, task_id, at) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET value = excluded.value, run_id = excluded.run_id, task_id = excluded.task_id, at = excluded.at`;

export class StateTable {
  readonly #db: Database;
  readonly #owner: StateOwner;
  readonly #busyHandler: BusyHandler;
  /** Prepared on first use: most runs keep no state. */
  #set: Statement<unknown, (string | number)[]> | undefined;

  constructor(db: Database, owner: StateOwner, busyHandler: BusyHandler) {
    this.#db = db;
    this.#owner = owner;
    this.#busyHandler = busyHandler;
  }

  set({ id, key, value, at }: StateValue): void {
    const statement = (this.#set ??= this.#db.prepare(setSql));
    const { run, pipeline } = this.#owner;
    this.#busyHandler.run(() => statement.run(pipeline, key, value, run, id, toIso(at)));
  }

  /** Finalizes the statement: before that, the connection cannot be closed. */
  close(): void {
    this.#set?.finalize();
    this.#set = undefined;
  }
}
