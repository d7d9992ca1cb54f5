// `pipeloom_machines`: the machines that a run's tasks have run on, a number for each. The session numbers them: no other process
// writes rows of this run.

import type { Database } from "bun:sqlite";

import type { RunId } from "../../protocol/ids.ts";
import type { BusyHandler } from "../busy-handler.ts";

type Stored = { readonly id: number; readonly name: string };

export class MachineRows {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  /** By name. Read when the first machine is named: a run without an engine has none. */
  #ids: Map<string, number> | undefined;
  /** Not committed yet. */
  readonly #uncommitted: Stored[] = [];

  constructor(db: Database, run: RunId, busyHandler: BusyHandler) {
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
  }

  idOf(name: string | null): number | null {
    if (name === null) return null;
    this.#ids ??= this.#stored();
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = 1 + Math.max(0, ...this.#ids.values());
    this.#ids.set(name, id);
    this.#uncommitted.push({ id, name });
    return id;
  }

  /** Of the run's earlier sessions. */
  #stored(): Map<string, number> {
    using rows = this.#db.prepare<Stored, [number]>(
      "SELECT id, name FROM pipeloom_machines WHERE run_id = ?",
    );
    const all = this.#busyHandler.run(() => rows.all(this.#run));
    return new Map(all.map(({ id, name }) => [name, id]));
  }

  flush(): void {
    for (const { id, name } of this.#uncommitted) {
      const sql = "INSERT OR IGNORE INTO pipeloom_machines (run_id, id, name) VALUES (?, ?, ?)";
      this.#busyHandler.run(() => this.#db.run(sql, [this.#run, id, name]));
    }
  }

  committed(): void {
    this.#uncommitted.length = 0;
  }
}
