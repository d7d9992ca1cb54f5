// What the tasks of a session have cost, for its end. Only what is committed counts.

export class CostCounter {
  /** Rows that tasks have written. */
  rows = 0;
  /** Of the last attempts of those tasks that were measured. */
  cpuMs = 0;
  #newRows = 0;
  #newCpuMs = 0;

  add(rows: number, cpuMs: number): void {
    this.#newRows += rows;
    this.#newCpuMs += cpuMs;
  }

  committed(): void {
    this.rows += this.#newRows;
    this.cpuMs += this.#newCpuMs;
    this.discard();
  }

  discard(): void {
    this.#newRows = 0;
    this.#newCpuMs = 0;
  }
}
