// Calls the writer's loop: many requests in one turn of the event loop lead to one call.

type WakeUpDeps = {
  /** Runs `work` once the event loop has delivered what has arrived. */
  later(work: () => void): void;
  after(ms: number, work: () => void): void;
};

export class WakeUp {
  readonly #deps: WakeUpDeps;
  readonly #call: () => void;
  #isScheduled = false;
  #isPollScheduled = false;

  constructor(deps: WakeUpDeps, call: () => void) {
    this.#deps = deps;
    this.#call = call;
  }

  soon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#deps.later(() => {
      this.#isScheduled = false;
      this.#call();
    });
  }

  /** One timer at a time: otherwise each message that arrives while the transaction is held would leave a timer behind. */
  within(ms: number): void {
    if (this.#isPollScheduled) return;
    this.#isPollScheduled = true;
    this.#deps.after(ms, () => {
      this.#isPollScheduled = false;
      this.soon();
    });
  }
}
